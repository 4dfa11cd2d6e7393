import { plainRows, type Device, type PaletteBits, type PaletteForm } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { convGeometry } from '../conv2d/geometry.js';
import { convReference } from '../conv2d/reference.js';
import { geglu } from '../matmul/geglu.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { gegluReference, linearReference } from '../matmul/reference.js';
import { productVariants } from './choose.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

const widths: PaletteBits[] = [1, 2, 3, 4, 6, 8];
const forms: PaletteForm[] = [...widths.map((bits) => ({ bits })), { bits: 4, group: 8 }, { bits: 6, group: 32 }];

/** A variant that software adapters compile soon. */
const plain = (_key: string, variants: readonly string[]): string | undefined =>
  ['columns4x32', 'columns8x32'].find((v) => variants.includes(v)) ?? 'tiled32x32';

describe('palettized weights', () => {
  it.each([...forms.map((form) => ['f16', form] as const), ['f32', { bits: 4 }] as const])(
    'decode as they load: activations %s, %o',
    async (dtype, form) => {
      const t = new GraphRun(dtype, 'f16', () => form);
      const x = t.input('x', [2, 19, 33]);
      const w = linearWeight(t.scope.in('a'), 70, 33);
      const y = t.graph.output(
        'y',
        linear(t.graph, x, w, { bias: t.scope.weight('bias', [70], plainRows), label: 'y' }),
      );
      const gated = linearWeight(t.scope.in('g'), 72, 33);
      const z = t.graph.output('z', geglu(t.graph, x, gated, { label: 'z' }));
      const { program, read } = await t.run(device, { pick: plain });
      expect(w.palette).toEqual(form);
      expect(program.memory.weightsBytes).toBe(program.plan.weightsBytes);
      const bias = t.of(t.scope.weight('bias', [70], plainRows));
      const expected = linearReference(t.of(x), t.of(w), { m: 38, k: 33, n: 70 }, { bias });
      expectClose(await read('y'), expected, { dtype: y.dtype, reductionLength: 35 });
      const both = gegluReference(t.of(x), t.of(gated), { m: 38, k: 33, n: 36 });
      const largest = both.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
      expectClose(await read('z'), both, { dtype: z.dtype, reductionLength: 33, termScale: largest });
      program.dispose();
    },
  );

  // Those in matrix units need an adapter that has them; their loaders are the same.
  const names = productVariants.map((v) => v.name).filter((name) => !name.startsWith('matrix'));
  it.for(names)('decode in every variant: %s', async (name, ctx) => {
    const t = new GraphRun('f32', 'f16', () => ({ bits: 3, group: 4 }));
    const x = t.input('x', [1, 37, 38]);
    const w = linearWeight(t.scope, 74, 38);
    t.graph.output('y', linear(t.graph, x, w, { label: 'y' }));
    const { program, read } = await t.run(device, { pick: (_key, variants) => variants.find((v) => v === name) });
    if (!program.plan.kernelKeys[0]!.startsWith(`product/${name}#`)) {
      program.dispose();
      ctx.skip(`${name} needs what this adapter has not`);
    }
    const expected = linearReference(t.of(x), t.of(w), { m: 37, k: 38, n: 74 });
    expectClose(await read('y'), expected, { dtype: 'f32', reductionLength: 38 });
    program.dispose();
  });

  it.each(widths)('decode in convolutions, also of two inputs with odd channels: %i bits', async (bits) => {
    const t = new GraphRun('f32', 'f16', (name) => (name.endsWith('weight') ? { bits } : undefined));
    const x = t.input('x', [2, 5, 7, 6]);
    const second = t.input('s', [2, 5, 7, 5]);
    const one = convWeight(t.scope.in('one'), 36, [6], 3);
    const two = convWeight(t.scope.in('two'), 10, [6, 5], 3);
    t.graph.output('y', conv2d(t.graph, x, one, { label: 'y' }));
    t.graph.output('z', conv2d(t.graph, x, two, { second, label: 'z' }));
    const { program, read } = await t.run(device, { pick: plain });
    const geometry = convGeometry('test', x.shape, { kernel: 3 });
    const first = { data: t.of(x), channels: 6 };
    const expected = convReference({ geometry, inputs: [first], weight: t.of(one), cout: 36 });
    expectClose(await read('y'), expected, { dtype: 'f32', reductionLength: 54 });
    const inputs = [first, { data: t.of(second), channels: 5 }];
    const both = convReference({ geometry, inputs, weight: t.of(two), cout: 10 });
    expectClose(await read('z'), both, { dtype: 'f32', reductionLength: 99 });
    program.dispose();
  });

  it('take up their bits and palettes, nothing more', async () => {
    const t = new GraphRun('f16', 'f16', () => ({ bits: 4 }));
    t.graph.output('y', linear(t.graph, t.input('x', [1, 9, 320]), linearWeight(t.scope, 640, 320), { label: 'y' }));
    const { program } = await t.run(device);
    expect(program.memory.weightsBytes).toBe((640 * 320) / 2 + 32);
    expect(program.plan.intermediatesBytes).toBe(0);
    program.dispose();
  });
});
