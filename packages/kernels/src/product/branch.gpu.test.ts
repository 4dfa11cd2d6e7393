import { branchName, plainRows, type Device, type PaletteForm, type Weight } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { NamedPick } from '../../test/named-pick.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { convGeometry } from '../conv2d/geometry.js';
import { convReference } from '../conv2d/reference.js';
import { narrowConv } from '../conv2d/narrow.js';
import { geglu } from '../matmul/geglu.js';
import { gegluFeedForward } from '../matmul/geglu-feed-forward.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { gegluReference, linearReference } from '../matmul/reference.js';
import { productVariants } from './choose.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

const rank = 8;

/** A run whose weights of this name have side branches. */
function branched(dtype: 'f32' | 'f16', storage: 'f32' | 'f16' = dtype, form?: PaletteForm): GraphRun {
  return new GraphRun(
    dtype,
    storage,
    (name) => (name.endsWith('weight') ? form : undefined),
    (name) => (name.endsWith('weight') ? rank : undefined),
  );
}

/** What a weight and its branch are together, `[N, K]`, in float64. */
function folded(t: GraphRun, w: Weight): Float64Array {
  const all = new Map(t.graph.weights.map((weight) => [weight.source.name, weight]));
  const { name, shape } = w.source;
  const down = t.of(all.get(branchName(name, 'down'))!);
  const rows = all.get(branchName(name, 'up-rows'));
  const up = t.of(rows ?? all.get(branchName(name, 'up'))!);
  const n = shape[0]!;
  const k = down.length / rank;
  const out = Float64Array.from(t.of(w));
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < rank; r++) {
      const factor = rows ? up[r * n + i]! : up[i * rank + r]!;
      for (let j = 0; j < k; j++) out[i * k + j]! += factor * down[r * k + j]!;
    }
  }
  return out;
}

/** Terms of the folded product are as large as this at most: sums stray by roundings of their size. */
const termScale = 1 + rank / 4;

describe('a low-rank side branch', () => {
  it.each([
    ['f32', 'f32', undefined],
    ['f16', 'f16', undefined],
    ['f16', 'f16', { bits: 4 }],
    ['f32', 'f16', { bits: 3, group: 8 }],
  ] as const)('is added to linear layers: %s, weights %s, %o', async (dtype, storage, form) => {
    const t = branched(dtype, storage, form);
    const x = t.input('x', [2, 9, 33]);
    const w = linearWeight(t.scope.in('a'), 70, 33);
    const bias = t.scope.in('a').weight('bias', [70], plainRows);
    const residual = t.input('r', [2, 9, 70]);
    const y = t.graph.output('y', linear(t.graph, x, w, { bias, activation: 'gelu', residual, label: 'y' }));
    const pre = linearWeight(t.scope.in('b'), 12, 33);
    t.graph.output('z', linear(t.graph, x, pre, { preActivation: 'silu', outDtype: 'f32', label: 'z' }));
    const { program, read } = await t.run(device);
    const sizes = { m: 18, k: 33, n: 70 };
    const expected = linearReference(t.of(x), folded(t, w), sizes, {
      bias: t.of(bias),
      activation: 'gelu',
      residual: t.of(residual),
    });
    expectClose(await read('y'), expected, { dtype: y.dtype, reductionLength: 33 + rank, termScale });
    const second = linearReference(t.of(x), folded(t, pre), { ...sizes, n: 12 }, { preActivation: 'silu' });
    expectClose(await read('z'), second, { dtype: 'f32', reductionLength: 33 + rank, termScale });
    // Exact figures: the branch's two factors are in the plan.
    const flops = program.plan.segments[0]!.nodes.flatMap((n) => n.dispatches).reduce((sum, d) => sum + d.flops, 0);
    expect(flops).toBe(2 * 18 * (33 * 70 + 33 * 12 + rank * (33 + 70) + rank * (33 + 12)));
    expect(program.memory.weightsBytes).toBe(program.plan.weightsBytes);
    program.dispose();
  });

  // Every variant ends in the same epilogue; larger blocks take long to translate (half a minute on a software adapter).
  const names = ['columns8x32', 'columns16x32', 'tiled32x32', 'few4'];
  it.for(names)('is added in variants of each family: %s', async (name, ctx) => {
    expect(productVariants.map((variant) => variant.name)).toContain(name);
    const t = branched('f32', 'f16');
    const x = t.input('x', [2, 27, 38]);
    const w = linearWeight(t.scope, 74, 38);
    t.graph.output('y', linear(t.graph, x, w, { label: 'y' }));
    const named = new NamedPick(name);
    const { program, read } = await t.run(device, { pick: named.pick });
    try {
      named.skipUnlessOffered(ctx);
      const expected = linearReference(t.of(x), folded(t, w), { m: 54, k: 38, n: 74 });
      expectClose(await read('y'), expected, { dtype: 'f32', reductionLength: 38 + rank, termScale });
    } finally {
      program.dispose();
    }
  });

  it('is added where K is cut into slices, and to columns of a wider tensor', async () => {
    const t = branched('f32');
    const x = t.input('x', [1, 5, 900]);
    const w = linearWeight(t.scope, 40, 900);
    const wide = t.graph.tensor('wide', [1, 5, 60], 'f32');
    linear(t.graph, x, w, { into: { tensor: wide, firstColumn: 20 }, label: 'into' });
    const y = t.graph.output('y', linear(t.graph, x, w, { label: 'y' }));
    const named = new NamedPick('tiled32x32k4');
    const { program, read } = await t.run(device, { pick: named.pick, scratchBytes: 2 ** 20 });
    expect(program.plan.kernelKeys.some((key) => key.startsWith('product/tiled32x32k4#'))).toBe(true);
    const expected = linearReference(t.of(x), folded(t, w), { m: 5, k: 900, n: 40 });
    expectClose(await read('y'), expected, { dtype: y.dtype, reductionLength: 900 + rank, termScale });
    program.dispose();
  });

  it('is added before a gate, and to a feed-forward in slices', async () => {
    const dtype = 'f32';
    const t = branched(dtype);
    const [k, inner, n, m] = [10, 40, 10, 2 * 37];
    const x = t.input('x', [2, 37, k]);
    const residual = t.input('residual', [2, 37, n]);
    const proj = linearWeight(t.scope.in('proj'), 2 * inner, k);
    const projBias = t.scope.in('proj').weight('bias', [2 * inner], plainRows);
    const out = linearWeight(t.scope.in('out'), n, inner);
    t.graph.output('g', geglu(t.graph, x, proj, { bias: projBias, label: 'g' }));
    for (const slices of [1, 3]) {
      const options = { proj, projBias, out, residual, slices, label: `y${slices}` };
      t.graph.output(`y${slices}`, gegluFeedForward(t.graph, x, options));
    }
    const { program, read } = await t.run(device);
    const hidden = gegluReference(t.of(x), folded(t, proj), { m, k, n: inner }, t.of(projBias));
    const largest = hidden.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
    const scale = largest * termScale;
    expectClose(await read('g'), hidden, { dtype, reductionLength: k + rank, termScale: scale });
    const expected = linearReference(hidden, folded(t, out), { m, k: inner, n }, { residual: t.of(residual) });
    for (const slices of [1, 3]) {
      expectClose(await read(`y${slices}`), expected, { dtype, reductionLength: inner + k + rank, termScale: scale });
    }
    program.dispose();
  });

  it.each([
    ['f32', undefined],
    ['f16', { bits: 6 }],
  ] as const)('is added to convolutions, strided, of two inputs, with residual: %s, %o', async (dtype, form) => {
    const t = branched(dtype, 'f16', form);
    const x = t.input('x', [2, 5, 7, 6]);
    const second = t.input('s', [2, 5, 7, 5]);
    const strided = convWeight(t.scope.in('strided'), 12, [6], 3);
    const two = convWeight(t.scope.in('two'), 10, [6, 5], 3);
    const one = convWeight(t.scope.in('one'), 5, [6], 1);
    const residual = t.input('r', [2, 5, 7, 10]);
    const perImage = t.input('p', [2, 10], 'f32');
    t.graph.output('y', conv2d(t.graph, x, strided, { stride: 2, label: 'y' }));
    t.graph.output('z', conv2d(t.graph, x, two, { second, residual, perImage, measured: true, label: 'z' }));
    t.graph.output('n', narrowConv(t.graph, x, one, { label: 'n' }));
    const { program, read } = await t.run(device);
    const first = { data: t.of(x), channels: 6 };
    const geometry = (kernel: 1 | 3, stride?: 2) => convGeometry('test', x.shape, { kernel, stride });
    // The sum is stored once before the branch is added to it: one rounding more.
    const accuracy = (terms: number) => ({
      dtype,
      reductionLength: terms,
      termScale: termScale * (dtype === 'f16' ? 2 ** 12 : 1),
    });
    const inputs = [first];
    expectClose(
      await read('y'),
      convReference({ geometry: geometry(3, 2), inputs, weight: folded(t, strided), cout: 12 }),
      accuracy(54 + rank),
    );
    expectClose(
      await read('z'),
      convReference({
        geometry: geometry(3),
        inputs: [first, { data: t.of(second), channels: 5 }],
        weight: folded(t, two),
        cout: 10,
        residual: t.of(residual),
        perImage: t.of(perImage),
      }),
      accuracy(99 + rank),
    );
    expectClose(
      await read('n'),
      convReference({ geometry: geometry(1), inputs, weight: folded(t, one), cout: 5 }),
      accuracy(6 + rank),
    );
    program.dispose();
  });

  it('refuses ranks that are no whole vec4s', () => {
    const t = new GraphRun('f32', 'f32', undefined, () => 6);
    const x = t.input('x', [1, 8]);
    expect(() => linear(t.graph, x, linearWeight(t.scope, 4, 8), { label: 'y' })).toThrow(/multiple of 4, got 6/);
  });
});
