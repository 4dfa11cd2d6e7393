import { plainRows, type Device, type Graph, type Tensor } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../../test/graph-run.js';
import { winogradTolerance, worstError } from '../../../test/winograd-tolerance.js';
import { add } from '../../latent/elementwise.js';
import { padTo4 } from '../../product/layout.js';
import { activationReference } from '../../shader/activation.js';
import { conv2d, convWeight, type Conv2dOptions } from '../conv2d.js';
import { convGeometry } from '../geometry.js';
import { convReference } from '../reference.js';
import type { TileSize } from './cook-toom.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

/** One convolution to record and check. */
interface Case extends Pick<Conv2dOptions, 'upsample' | 'cropTo' | 'activation'> {
  readonly name: string;
  readonly shape: readonly [number, number, number, number];
  readonly cout: number;
  readonly second?: number;
  readonly perImage?: boolean;
  readonly residual?: 'input' | 'own' | 'in place';
  readonly norm?: boolean;
}

const plain: Case = { name: 'plain', shape: [2, 13, 7, 18], cout: 33 };
const cases: readonly Case[] = [
  plain,
  { name: 'upsample to an odd size', shape: [1, 5, 6, 20], cout: 18, upsample: 2, cropTo: [9, 11] },
  { name: 'epilogue', shape: [3, 8, 9, 17], cout: 20, perImage: true, residual: 'own', activation: 'silu' },
  { name: 'in place', shape: [1, 10, 9, 16], cout: 21, residual: 'in place' },
  { name: 'onto itself', shape: [1, 12, 13, 22], cout: 22, residual: 'input' },
  { name: 'dual', shape: [2, 7, 8, 16], second: 9, cout: 18, perImage: true, residual: 'own', norm: true },
];

type Check = (read: (name: string) => Promise<Float32Array>) => Promise<void>;

/** Records a case; gives the check of its output against the direct convolution in float64. */
function record(t: GraphRun, c: Case, m: TileSize): Check {
  const { name, shape, cout, second: c2 } = c;
  const [batch, height, width, c1] = shape;
  const scope = t.scope.in(name);
  const geometry = convGeometry(name, shape, { ...c, kernel: 3 });
  const x = t.input(`${name}.x`, shape);
  const second = c2 === undefined ? undefined : t.input(`${name}.second`, [batch, height, width, c2]);
  const cins = c2 === undefined ? [c1] : [c1, c2];
  const w = convWeight(scope, cout, cins, 3);
  const bias = scope.weight('bias', [cout], plainRows);
  const perImage = c.perImage ? t.input(`${name}.time`, [batch, cout]) : undefined;
  const outShape = [batch, geometry.outHeight, geometry.outWidth, cout];
  const given = c.residual === 'own' || c.residual === 'in place' ? t.input(`${name}.residual`, outShape) : undefined;
  const residual = given && c.residual === 'in place' ? transient(t.graph, given) : (given ?? (c.residual && x));
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
  // Behind another node, so that the convolution's output lives in the arena and may take a residual's place.
  t.graph.output(name, c.residual === 'in place' ? transient(t.graph, y) : y);
  const doubled = (values: Float32Array): Float32Array => values.map((v) => 2 * v);
  const expected = convReference({
    geometry,
    inputs: [{ data: t.of(x), channels: c1 }, ...(second ? [{ data: t.of(second), channels: c2! }] : [])],
    weight: t.of(w),
    cout,
    bias: t.of(bias),
    perImage: perImage && t.of(perImage),
    residual: residual && (c.residual === 'in place' ? doubled(t.of(given!)) : t.of(given ?? x)),
    activation: c.activation,
    onLoad:
      affine &&
      ((value, image, channel) => {
        const lane = channel < c1 ? channel : padTo4(c1) + channel - c1;
        const at = image * 2 * padded + lane;
        return activationReference('silu', value * t.of(affine)[at]! + t.of(affine)[at + padded]!);
      }),
  }).map((v) => (c.residual === 'in place' ? 2 * v : v));
  const scale = c.residual === 'in place' ? 2 : 1;
  return async (read) => {
    const reductionLength = 9 * (c1 + (c2 ?? 0)) + 3;
    const allowed = scale * winogradTolerance(expected, { dtype: y.dtype as 'f16' | 'f32', reductionLength, m });
    expect(worstError(await read(name), expected), `${name}: worst error`).toBeLessThan(allowed);
  };
}

/** x + x, a tensor that lives in the arena. */
function transient(g: Graph, x: Tensor): Tensor {
  return add(g, x, x, { label: `${x.name} twice` });
}

const variants = ([2, 4, 6] as const).flatMap((m) =>
  ['', '-sliced', '-loaded'].map((form) => ({ m, name: `winograd${m}${form}` })),
);

describe.each([
  ['f32', 'f32'],
  ['f16', 'f16'],
  ['f32', 'f16'],
] as const)('winograd, activations %s, weights %s', (dtype, storage) => {
  it.each(variants)('gives the convolution as $name', async ({ m, name }) => {
    const t = new GraphRun(dtype, storage);
    const checks = cases.map((c) => record(t, c, m));
    let taken = 0;
    const { program, read } = await t.run(device, {
      transformedWeights: true,
      scratchBytes: 2 ** 24,
      pick: (_key, among) => {
        const found = among.find((v) => v === name);
        if (found) taken++;
        return found;
      },
    });
    // Weights rounded to halves after their transform would be too coarse for m = 6 and for f32 activations.
    const refused = name === `winograd${m}` && storage === 'f16' && (m === 6 || dtype === 'f32');
    expect(taken).toBe(refused ? 0 : cases.length);
    for (const check of checks) await check(read);
    program.dispose();
  });
});

describe('winograd in slices', () => {
  it.each(['winograd2', 'winograd4-sliced', 'winograd2-loaded'])('gives the same as %s', async (name) => {
    const m = Number(name[8]) as TileSize;
    const t = new GraphRun('f32');
    const wide: Case = { name: 'wide', shape: [3, 31, 22, 17], cout: 70, perImage: true, residual: 'own', norm: true };
    const check = record(t, wide, m);
    const { program, read } = await t.run(device, {
      // Room for about 40 tiles, and for the weights of one block of outputs.
      transformedWeights: true,
      scratchBytes: 40 * (m + 2) ** 2 * (20 + 72) * 4 + (name.endsWith('sliced') ? 2 * (m + 2) ** 2 * 20 * 32 * 4 : 0),
      pick: (_key, among) => among.find((v) => v === name),
    });
    const { dispatches } = program.plan.segments[0]!.nodes[0]!;
    expect(dispatches.filter(({ kernel }) => kernel.name.endsWith('/output')).length).toBeGreaterThan(2);
    if (name.endsWith('sliced'))
      expect(dispatches.filter(({ kernel }) => kernel.name.endsWith('/weights')).length).toBeGreaterThan(6);
    await check(read);
    program.dispose();
  });
});
