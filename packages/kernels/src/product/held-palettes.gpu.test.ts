import type { Device, PaletteForm } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { NamedPick } from '../../test/named-pick.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { convGeometry } from '../conv2d/geometry.js';
import { convReference } from '../conv2d/reference.js';
import { geglu } from '../matmul/geglu.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { gegluReference, linearReference } from '../matmul/reference.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

/** Every width, and palettes that change within a block, with each block, and every other block. */
const forms: readonly PaletteForm[] = [
  ...([1, 2, 3, 4, 6, 8] as const).map((bits) => ({ bits })),
  { bits: 3, group: 12 },
  { bits: 4, group: 32 },
  { bits: 6, group: 64 },
  { bits: 8, group: 20 },
];

describe('palettized weights held for all of K', () => {
  it.for(forms.map((form) => ['columns8x32', form] as const))('decode in %s, %o', async ([name, form], ctx) => {
    // Where subgroups are narrower, `palettized-weight.gpu.test.ts` goes the other way through all widths.
    if (device.profile.subgroupMinSize !== 8) ctx.skip('subgroups of this adapter do not cover a block');
    const t = new GraphRun('f32', 'f16', (weight) => (weight.endsWith('weight') ? form : undefined));
    // Rows and outputs that fill neither blocks nor vec4s, and an odd count of vec4s of K.
    const [k, n] = [43, 170];
    const x = t.input('x', [3, 7, k]);
    const w = linearWeight(t.scope.in('a'), n, k);
    const y = t.graph.output('y', linear(t.graph, x, w, { label: 'y' }));
    // Gates that begin with a block, so that a subgroup reads them together as well.
    const gated = linearWeight(t.scope.in('g'), 128, k);
    const z = t.graph.output('z', geglu(t.graph, x, gated, { label: 'z' }));
    // The runs of K' are taps, of channels that fill no vec4.
    const picture = t.input('picture', [1, 4, 5, 6]);
    const filter = convWeight(t.scope.in('c'), 36, [6], 3);
    const c = t.graph.output('c', conv2d(t.graph, picture, filter, { label: 'c' }));

    const named = new NamedPick(name);
    const { program, read } = await t.run(device, { pick: named.pick });
    try {
      named.skipUnlessOffered(ctx);
      const expected = linearReference(t.of(x), t.of(w), { m: 21, k, n });
      expectClose(await read('y'), expected, { dtype: y.dtype, reductionLength: k });
      const both = gegluReference(t.of(x), t.of(gated), { m: 21, k, n: 64 });
      const largest = both.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
      expectClose(await read('z'), both, { dtype: z.dtype, reductionLength: k, termScale: largest });
      const geometry = convGeometry('c', picture.shape, { kernel: 3 });
      const inputs = [{ data: t.of(picture), channels: 6 }];
      const convolved = convReference({ geometry, inputs, weight: t.of(filter), cout: 36 });
      expectClose(await read('c'), convolved, { dtype: c.dtype, reductionLength: 54 });
    } finally {
      program.dispose();
    }
  });

  it.for(['columns16x64', 'tiled32x32'])('of two sets of columns, or staged, in halves: %s', async (name, ctx) => {
    const t = new GraphRun('f16', 'f16', (weight) =>
      weight.endsWith('one.weight') ? { bits: 8 } : { bits: 4, group: 16 },
    );
    const x = t.input('x', [2, 13, 37]);
    const labels = ['one', 'groups'];
    for (const label of labels) {
      t.graph.output(label, linear(t.graph, x, linearWeight(t.scope.in(label), 78, 37), { label }));
    }
    const named = new NamedPick(name);
    const { program, read } = await t.run(device, { pick: named.pick });
    try {
      named.skipUnlessOffered(ctx);
      expect(program.weights).toHaveLength(2);
      for (const label of labels) {
        const w = program.weights.find(({ source }) => source.name === `${label}.weight`)!;
        const expected = linearReference(t.of(x), t.of(w), { m: 26, k: 37, n: 78 });
        expectClose(await read(label), expected, { dtype: 'f16', reductionLength: 37 });
      }
    } finally {
      program.dispose();
    }
  });
});
