import { describe, expect, test } from 'vitest';
import { linear, linearWeight } from '../test/ops.js';
import {
  defaultProfile,
  Graph,
  inLayout,
  plainRows,
  planProgram,
  type GraphNode,
  type LowerContext,
  type Tensor,
  type Weight,
  type WeightLayout,
} from './index.js';

const elements = 4096;
const bytes = elements * 4;

/** Records x → out of `count` floats by a node whose lowering is the test's. */
function record(g: Graph, x: Tensor, name: string, lower: GraphNode['lower'], count = elements): Tensor {
  const out = g.tensor(name, [count], 'f32');
  g.add({ op: 'probe', label: name, inputs: [x], weights: [], outputs: [out], lower });
  return out;
}

/** Takes all the room there is and tells how much that was, last time it was asked. */
function greedy(seen: Map<string, number[]>, name: string): GraphNode['lower'] {
  return (context: LowerContext) => {
    const { room } = context;
    seen.set(name, [...(seen.get(name) ?? []), room]);
    if (room > 0) context.scratch('spare', [room / 4], 'f32');
    return [];
  };
}

describe('room for scratch', () => {
  test('is what the fullest moment of the program leaves free, and never raises the peak', () => {
    const seen = new Map<string, number[]>();
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('run');
    const a = record(g, g.input('x', [4], 'f32'), 'a', () => []);
    const b = record(g, a, 'b', () => [], 3 * elements); // a and b: the fullest moment
    const c = record(g, b, 'c', greedy(seen, 'c'), elements / 2); // b and half a tensor: half a tensor is free
    g.output('y', record(g, c, 'd', greedy(seen, 'd'), 4)); // only c: three and a half are free
    const plan = planProgram(g, defaultProfile);
    expect(plan.intermediatesBytes).toBe(4 * bytes);
    expect(seen.get('c')).toEqual([0, bytes / 2]);
    expect(seen.get('d')).toEqual([0, 3.5 * bytes]);
    expect(plan.segments[0]!.nodes.map(({ room }) => room)).toEqual([undefined, undefined, bytes / 2, 3.5 * bytes]);
  });

  test('is at least what the graph allows, though that raises the peak', () => {
    const seen = new Map<string, number[]>();
    const g = new Graph('test', { dtype: 'f32', scratchBytes: bytes });
    g.segment('run');
    const a = record(g, g.input('x', [4], 'f32'), 'a', greedy(seen, 'a'));
    g.output(
      'y',
      record(g, a, 'b', () => [], 4),
    );
    expect(planProgram(g, defaultProfile).intermediatesBytes).toBe(2 * bytes);
    expect(seen.get('a')).toEqual([bytes]);
    // An option of the plan is taken where it is more.
    expect(planProgram(g, defaultProfile, { scratchBytes: 2 * bytes }).intermediatesBytes).toBe(3 * bytes);
  });

  test('of a small segment is what a larger one needs', () => {
    const seen = new Map<string, number[]>();
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('small');
    g.output('s', record(g, g.input('x', [4], 'f32'), 'a', greedy(seen, 'a'), 4));
    g.segment('large');
    const b = record(g, g.input('z', [4], 'f32'), 'b', () => []);
    g.output(
      'y',
      record(g, b, 'c', () => [], 4),
    );
    expect(planProgram(g, defaultProfile).intermediatesBytes).toBe(bytes);
    expect(seen.get('a')).toEqual([0, bytes]);
  });

  test('is granted by option even where it raises the peak', () => {
    const seen = new Map<string, number[]>();
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('run');
    g.output('y', record(g, g.input('x', [4], 'f32'), 'a', greedy(seen, 'a'), 4));
    expect(planProgram(g, defaultProfile, { scratchBytes: 8192 }).intermediatesBytes).toBe(8192);
    expect(seen.get('a')).toEqual([8192]);
  });

  test('that does not fit between what lives around the node is halved until it does', () => {
    const seen = new Map<string, number[]>();
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('run');
    // Twice the free bytes are asked for: one half fits, all of it cannot.
    const a = record(g, g.input('x', [4], 'f32'), 'a', () => [], 2 * elements);
    const b = record(g, a, 'b', () => [], 2 * elements);
    const c = record(
      g,
      b,
      'c',
      (context) => {
        seen.set('c', [...(seen.get('c') ?? []), context.room]);
        if (context.room > 0) context.scratch('spare', [(2 * context.room) / 4], 'f32');
        return [];
      },
      4,
    );
    g.output(
      'y',
      record(g, c, 'd', () => [], 4),
    );
    const plan = planProgram(g, defaultProfile);
    expect(plan.intermediatesBytes).toBe(4 * bytes);
    expect(seen.get('c')!.length).toBeGreaterThan(2);
    expect(plan.segments[0]!.nodes[2]!.scratch[0]!.shape[0]! * 4).toBeLessThanOrEqual(2 * bytes);
  });
});

describe('weights in layouts chosen at lowering', () => {
  const twice: WeightLayout = { ...plainRows, key: 'twice', elements: (shape) => 2 * plainRows.elements(shape) };

  function reads(g: Graph, name: string, weight: Weight, bound: Weight): Tensor {
    const x = g.input(`x.${name}`, [4], 'f32');
    const out = g.tensor(name, [4], 'f32');
    const kernel = { name, key: name, wgsl: '', bindings: [{ name: 'w', access: 'read' as const }], uniformBytes: 0 };
    g.add({
      op: 'probe',
      label: name,
      inputs: [x],
      weights: [weight],
      outputs: [out],
      lower: () => [{ kernel, bindings: [{ weight: bound }], workgroups: [1, 1, 1], flops: 0, bytesMoved: 0 }],
    });
    return g.output(name, out);
  }

  test('only what the kernels bind is counted and loaded, once', () => {
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('first');
    const w = g.weight('w', [8, 8], plainRows);
    reads(g, 'a', w, inLayout(w, twice));
    reads(g, 'b', w, inLayout(w, twice));
    g.segment('second');
    reads(g, 'c', w, inLayout(w, twice));
    const plan = planProgram(g, defaultProfile);
    expect(plan.weights.map(({ layout, byteLength }) => [layout.key, byteLength])).toEqual([['twice', 2 * 64 * 4]]);
    expect(plan.weightsBytes).toBe(2 * 64 * 4);
    expect(plan.segments[1]!.weights[0]).toBe(plan.segments[0]!.weights[0]);
  });

  test('a tensor wanted in two layouts is there twice', () => {
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('run');
    const w = g.weight('w', [8, 8], plainRows);
    reads(g, 'a', w, w);
    reads(g, 'b', w, inLayout(w, twice));
    expect(planProgram(g, defaultProfile).weightsBytes).toBe(3 * 64 * 4);
  });

  test('a tensor the node does not declare is refused', () => {
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('run');
    reads(g, 'a', g.weight('w', [8, 8], plainRows), g.weight('other', [8, 8], plainRows));
    expect(() => planProgram(g, defaultProfile)).toThrow(/what the node declares/);
  });

  test('weights no kernel reads are not loaded', () => {
    const g = new Graph('test', { dtype: 'f32' });
    g.segment('run');
    linearWeight(g, 'unread', 8, 8);
    g.output('y', linear(g, g.input('x', [1, 8], 'f32'), linearWeight(g, 'read', 8, 8), 'l'));
    expect(planProgram(g, defaultProfile).weights.map(({ source }) => source.name)).toEqual(['read']);
  });
});
