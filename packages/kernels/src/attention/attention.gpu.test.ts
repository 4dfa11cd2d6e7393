import { expectClose, freshDevice, randomArray, testDevice } from '@pleinair/testing';
import { Graph, type Device, type Tensor } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { NamedPick } from '../../test/named-pick.js';
import { runOp, stored } from '../../test/run-op.js';
import { attention } from './attention.js';
import { attentionReference } from './reference.js';

let device: Device;
/** The same adapter without shader-f16 and with bindings of a few kilobytes. */
let small: Device;
beforeAll(async () => {
  device = await testDevice();
  small = await freshDevice({ limits: { maxStorageBufferBindingSize: 8192 }, without: ['shaderF16'] });
});
afterAll(() => small.destroy());

interface Case {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  readonly causal?: boolean;
  readonly scale?: number;
  /** Magnitude of q and k. */
  readonly size?: number;
  /** Which operands are one tensor. */
  readonly shared?: 'k=v' | 'q=k=v';
}

/** Checks a case as one variant, by name, or as whatever the heuristic takes. */
async function check(
  ctx: TestContext,
  on: Device,
  dtype: 'f16' | 'f32',
  variant: string | undefined,
  c: Case,
): Promise<void> {
  const { batch, queries, keys, heads, headDim, causal, scale, size = 1, shared } = c;
  const width = heads * headDim;
  const make = (tokens: number, seed: number, s: number): Float32Array<ArrayBuffer> =>
    stored(randomArray(batch * tokens * width, seed, s), dtype);
  const q = make(queries, 1, size);
  const k = shared === 'q=k=v' ? q : make(keys, 2, size);
  const v = shared ? k : make(keys, 3, 1);
  const g = new Graph('attention', { dtype });
  g.segment('run');
  const inputs: Record<string, Float32Array<ArrayBuffer>> = { q };
  const tq = g.input('q', [batch, queries, width]);
  const input = (name: string, values: Float32Array<ArrayBuffer>): Tensor => {
    inputs[name] = values;
    return g.input(name, [batch, keys, width]);
  };
  const tk = shared === 'q=k=v' ? tq : input('k', k);
  const tv = shared ? tk : input('v', v);
  g.output('y', attention(g, { q: tq, k: tk, v: tv, heads, causal, scale, label: 'attention' }));
  const named = variant === undefined ? undefined : new NamedPick(variant);
  const { y } = await runOp(g, on, { inputs }, ['y'], { pick: named?.pick });
  named?.skipUnlessOffered(ctx);
  const expected = attentionReference({ q, k, v, batch, queries, keys, heads, headDim, scale, causal });
  // A score's rounding moves its exponential by as much, relatively: scores of size² · √d, weighted by values up to 1.
  const score = Math.max(1, size * size * Math.sqrt(headDim) * (scale ?? 1 / Math.sqrt(headDim)) * Math.sqrt(headDim));
  expectClose(y!, expected, { dtype, reductionLength: headDim + keys, termScale: shared ? score * size : score });
}

const cases: Record<string, Case> = {
  'self, one head': { batch: 1, queries: 64, keys: 64, heads: 1, headDim: 16 },
  'cross with 77 keys, batch 2, ragged queries': { batch: 2, queries: 75, keys: 77, heads: 3, headDim: 8 },
  'causal over 77 tokens': { batch: 2, queries: 77, keys: 77, heads: 2, headDim: 8, causal: true },
  'one query, one key': { batch: 3, queries: 1, keys: 1, heads: 2, headDim: 4 },
  'heads that start between vec4s': { batch: 2, queries: 9, keys: 7, heads: 3, headDim: 6 },
  'one head of odd width': { batch: 2, queries: 9, keys: 7, heads: 1, headDim: 7 },
  'keys and values of one tensor': { batch: 2, queries: 10, keys: 19, heads: 2, headDim: 8, shared: 'k=v' },
  'all three one tensor': { batch: 1, queries: 19, keys: 19, heads: 2, headDim: 8, shared: 'q=k=v' },
  'large logits': { batch: 1, queries: 20, keys: 33, heads: 1, headDim: 16, size: 60 },
  'a scale of its own': { batch: 1, queries: 8, keys: 9, heads: 2, headDim: 8, scale: 0.7 },
};

/**
 * Texts of the flash variants depend on the head's width and are unrolled, which software adapters compile slowly: a few
 * narrow shapes, and more in `kernel-text.test.ts`.
 */
const flashCases: Record<string, Case> = {
  'cross with 77 keys, batch 2, ragged queries': { batch: 2, queries: 75, keys: 77, heads: 3, headDim: 4 },
  'large logits, keys and values of one tensor': { batch: 1, queries: 70, keys: 33, heads: 2, headDim: 8, size: 60, shared: 'k=v' }, // prettier-ignore
};
const flashCausal: Case = { batch: 2, queries: 77, keys: 77, heads: 2, headDim: 4, causal: true };
const flashOdd: Case = { batch: 2, queries: 9, keys: 7, heads: 3, headDim: 6 };

/** For adapters with subgroups. */
const columns = 'split-columns16x32';
const tiles = 'split-tiled32x32';

describe('attention', () => {
  for (const dtype of ['f32', 'f16'] as const) {
    for (const [name, c] of Object.entries(cases)) {
      it(`${columns}, ${dtype}: ${name}`, (ctx) => check(ctx, device, dtype, columns, c));
    }
  }
  for (const [name, c] of Object.entries(flashCases)) {
    it(`${tiles}, f32: ${name}`, (ctx) => check(ctx, device, 'f32', tiles, c));
  }
  for (const variant of ['flash-tiled', 'flash-streamed']) {
    for (const [name, c] of Object.entries(flashCases)) {
      it(`${variant}, f32: ${name}`, (ctx) => check(ctx, device, 'f32', variant, c));
    }
    it(`${variant}, f32: causal`, (ctx) => check(ctx, device, 'f32', variant, flashCausal));
    it(`${variant}, f16: causal`, (ctx) => check(ctx, device, 'f16', variant, flashCausal));
    it(`${variant}, f32: heads that start between vec4s`, (ctx) => check(ctx, device, 'f32', variant, flashOdd));
  }
  for (const name of ['flash-tiled', 'flash-streamed', tiles, columns]) {
    it(`${name}: halves without shader-f16`, (ctx) =>
      check(ctx, small, 'f16', name, { batch: 1, queries: 40, keys: 30, heads: 2, headDim: 4, causal: true }));
  }

  it('cuts scores beyond the binding limit into tiles of queries', (ctx) =>
    check(ctx, small, 'f32', columns, { batch: 1, queries: 90, keys: 70, heads: 1, headDim: 20 }));

  it('cuts scores beyond the binding limit into tiles of heads', (ctx) =>
    check(ctx, small, 'f32', columns, { batch: 2, queries: 20, keys: 21, heads: 3, headDim: 12 }));

  it('transposes keys beyond the binding limit in runs, again for every tile of queries', (ctx) =>
    check(ctx, small, 'f32', columns, { batch: 1, queries: 20, keys: 101, heads: 1, headDim: 20, causal: true }));

  it('takes a head as wide as the VAE’s', (ctx) =>
    check(ctx, device, 'f32', undefined, { batch: 1, queries: 36, keys: 36, heads: 1, headDim: 512 }));

  it('survives scores that overflow half floats', async () => {
    const c = { batch: 1, queries: 8, keys: 8, heads: 1, headDim: 64, size: 6000 };
    const q = stored(randomArray(512, 1, c.size), 'f16');
    const v = stored(randomArray(512, 3), 'f16');
    const g = new Graph('attention', { dtype: 'f16' });
    g.segment('run');
    const [tq, tv] = [g.input('q', [1, 8, 64]), g.input('v', [1, 8, 64])];
    g.output('y', attention(g, { q: tq, k: tq, v: tv, heads: 1, label: 'attention' }));
    const { y } = await runOp(g, device, { inputs: { q, v } }, ['y']);
    // q·q is millions above every other score: the softmax is one-hot and copies v.
    expectClose(y!, v, { dtype: 'f16', reductionLength: 1 });
    expect(Math.max(...y!)).toBeGreaterThan(0.5);
  });

  it('accepts an empty batch and refuses to attend to nothing', async () => {
    const g = new Graph('attention', { dtype: 'f32' });
    g.segment('run');
    const q = g.input('q', [0, 5, 8]);
    g.output('y', attention(g, { q, k: q, v: q, heads: 2, label: 'attention' }));
    const { y } = await runOp(g, device, {}, ['y']);
    expect(y!.length).toBe(0);
    const some = g.input('some', [1, 5, 8]);
    const none = g.input('none', [1, 0, 8]);
    expect(() => attention(g, { q: some, k: none, v: none, heads: 2, label: 'cross' })).toThrow(/at least one key/);
  });
});
