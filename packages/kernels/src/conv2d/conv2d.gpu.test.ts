import { plainRows, type Device } from '@pleinair/tensor';
import { expectClose, freshDevice, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { NamedPick } from '../../test/named-pick.js';
import { padTo4 } from '../product/layout.js';
import { activationReference } from '../shader/activation.js';
import { conv2d, convWeight, type Conv2dOptions } from './conv2d.js';
import { convGeometry } from './geometry.js';
import { convReference } from './reference.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

/** One convolution to record and check. */
interface Case extends Pick<Conv2dOptions, 'stride' | 'padding' | 'upsample' | 'cropTo' | 'activation' | 'outDtype'> {
  readonly name: string;
  readonly shape: readonly [number, number, number, number];
  readonly cout: number;
  readonly kernel: 1 | 3;
  readonly second?: number;
  readonly perImage?: boolean;
  readonly residual?: boolean | 'input';
  readonly norm?: boolean;
}

const cases: readonly Case[] = [
  { name: 'plain 3x3', shape: [2, 5, 7, 10], cout: 6, kernel: 3 },
  { name: 'three channels in', shape: [1, 4, 9, 3], cout: 33, kernel: 3 },
  { name: 'stride 2', shape: [3, 7, 6, 5], cout: 8, kernel: 3, stride: 2 },
  { name: 'asymmetric', shape: [1, 6, 8, 4], cout: 10, kernel: 3, stride: 2, padding: 'asymmetric' },
  { name: 'upsample', shape: [2, 3, 5, 6], cout: 70, kernel: 3, upsample: 2 },
  { name: 'upsample to an odd size', shape: [2, 3, 5, 6], cout: 7, kernel: 3, upsample: 2, cropTo: [5, 9] },
  { name: 'one pixel', shape: [1, 1, 1, 33], cout: 3, kernel: 3 },
  { name: 'epilogue', shape: [3, 5, 3, 12], cout: 12, kernel: 3, perImage: true, residual: true, activation: 'silu' },
  { name: 'onto itself', shape: [2, 3, 4, 7], cout: 7, kernel: 3, residual: 'input' },
  { name: 'dual', shape: [2, 4, 5, 6], second: 9, cout: 10, kernel: 3, perImage: true, residual: true },
  { name: 'dual 1x1', shape: [2, 4, 5, 3], second: 5, cout: 34, kernel: 1 },
  { name: '1x1', shape: [2, 3, 7, 10], cout: 5, kernel: 1, residual: true },
  { name: '1x1 stride 2', shape: [1, 5, 6, 4], cout: 4, kernel: 1, stride: 2 },
  { name: 'normalised', shape: [2, 4, 4, 6], second: 5, cout: 9, kernel: 3, norm: true },
];

/** Records a case; gives the check of its output. */
function record(t: GraphRun, c: Case): (read: (name: string) => Promise<Float32Array>) => Promise<void> {
  const { name, shape, cout, kernel, second: c2 } = c;
  const [batch, height, width, c1] = shape;
  const scope = t.scope.in(name);
  const geometry = convGeometry(name, shape, c);
  const x = t.input(`${name}.x`, shape);
  const second = c2 === undefined ? undefined : t.input(`${name}.second`, [batch, height, width, c2]);
  const cins = c2 === undefined ? [c1] : [c1, c2];
  const w = convWeight(scope, cout, cins, kernel);
  const bias = scope.weight('bias', [cout], plainRows);
  const perImage = c.perImage ? t.input(`${name}.time`, [batch, cout]) : undefined;
  const outShape = [batch, geometry.outHeight, geometry.outWidth, cout];
  const residual = c.residual === 'input' ? x : c.residual ? t.input(`${name}.residual`, outShape) : undefined;
  const padded = cins.reduce((sum, n) => sum + padTo4(n), 0);
  const affine = c.norm ? t.input(`${name}.affine`, [batch, 2, padded], 'f32') : undefined;
  const y = conv2d(t.graph, x, w, {
    ...c,
    second,
    bias,
    perImage,
    residual,
    norm: affine && { affine, silu: true },
    label: name,
  });
  t.graph.output(name, y);
  const expected = convReference({
    geometry,
    inputs: [{ data: t.of(x), channels: c1 }, ...(second ? [{ data: t.of(second), channels: c2! }] : [])],
    weight: t.of(w),
    cout,
    bias: t.of(bias),
    perImage: perImage && t.of(perImage),
    residual: residual && t.of(residual),
    activation: c.activation,
    onLoad:
      affine &&
      ((value, image, channel) => {
        const lane = channel < c1 ? channel : padTo4(c1) + channel - c1;
        const at = image * 2 * padded + lane;
        return activationReference('silu', value * t.of(affine)[at]! + t.of(affine)[at + padded]!);
      }),
  });
  const reductionLength = kernel * kernel * (c1 + (c2 ?? 0)) + 3;
  return async (read) => expectClose(await read(name), expected, { dtype: y.dtype, reductionLength, termScale: 2 });
}

describe.each([
  ['f32', 'f32'],
  ['f16', 'f16'],
] as const)('conv2d, activations %s, weights %s', (dtype, storage) => {
  it('gives the convolution: strides, paddings, upsampling, two inputs, epilogues, odd sizes', async () => {
    const t = new GraphRun(dtype, storage);
    const checks = cases.map((c) => record(t, c));
    const { program, read } = await t.run(device);
    for (const check of checks) await check(read);
    program.dispose();
  });
});

describe('conv2d', () => {
  it.for(['columns4x32', 'columns32x32', 'columns16x64', 'tiled32x32', 'tiled64x64', 'few4'])(
    'gives the same in the variant %s',
    async (name, ctx) => {
      const t = new GraphRun('f16', 'f16');
      const check = record(t, {
        name: 'dual',
        shape: [2, 7, 9, 21],
        second: 6,
        cout: 70,
        kernel: 3,
        perImage: true,
        residual: true,
      });
      const named = new NamedPick(name);
      const { program, read } = await t.run(device, { pick: named.pick });
      try {
        named.skipUnlessOffered(ctx);
        expect(program.plan.kernelKeys[0]).toContain(`product/${name}#`);
        await check(read);
      } finally {
        program.dispose();
      }
    },
  );

  it.each(['f32', 'f16'] as const)('gives the same where what is normalised is written first, %s', async (dtype) => {
    const t = new GraphRun(dtype, 'f16');
    const shared = { cout: 9, kernel: 3, norm: true } as const;
    const checks = [
      record(t, { ...shared, name: 'dual', shape: [2, 4, 4, 6], second: 5, perImage: true, residual: true }),
      record(t, { ...shared, name: 'up', shape: [3, 3, 5, 7], upsample: 2 }),
      record(t, { ...shared, name: 'onto its input', shape: [1, 3, 4, 9], residual: 'input' }),
    ];
    const named = new NamedPick('norm-written');
    const { program, read } = await t.run(device, { pick: named.pick, scratchBytes: 2 ** 20 });
    const written = program.plan.kernelKeys.filter((key) => key.startsWith('conv2d/normed'));
    expect(written).toHaveLength(2);
    for (const check of checks) await check(read);
    program.dispose();
  });

  it('goes in bands of lines, across pictures, under a small binding limit', async () => {
    const small = await freshDevice({ limits: { maxStorageBufferBindingSize: 10240 } });
    const t = new GraphRun('f16');
    const shared = { cout: 12, kernel: 3 } as const;
    const checks = [
      record(t, { ...shared, name: 'same', shape: [3, 23, 12, 12], residual: true, perImage: true }),
      record(t, { ...shared, name: 'down', shape: [2, 34, 26, 11], stride: 2, second: 4 }),
      record(t, { ...shared, name: 'up', shape: [2, 9, 11, 12], upsample: 2, residual: true }),
    ];
    const { program, read } = await t.run(small);
    for (const node of program.plan.segments[0]!.nodes) expect(node.dispatches.length).toBeGreaterThan(1);
    for (const check of checks) await check(read);
    program.dispose();
    small.destroy();
  });
});
