import { describe, expect, test } from 'vitest';
import { add, linear, linearWeight } from '../test/ops.js';
import {
  alignUp,
  defaultProfile,
  Graph,
  peakLiveBytes,
  planProgram,
  tensorBytes,
  weightBytes,
  type Dispatch,
  type GraphNode,
  type Tensor,
} from './index.js';

const graph = (): Graph => {
  const g = new Graph('test', { dtype: 'f32' });
  g.segment('run');
  return g;
};
const plan = (g: Graph) => planProgram(g, defaultProfile);

/** A node of one dispatch that binds what it is told, to be wrong on purpose. */
function odd(g: Graph, node: Partial<GraphNode>, dispatch: (t: Tensor[]) => Partial<Dispatch>): void {
  const x = g.input('x', [4], 'f32');
  const out = g.tensor('out', [4], 'f32');
  g.add({
    op: 'odd',
    label: 'the.odd.one',
    inputs: [x],
    weights: [],
    outputs: [out],
    ...node,
    lower: () => [
      {
        kernel: { name: 'odd', key: 'odd', wgsl: '', bindings: [{ name: 'a', access: 'read_write' }], uniformBytes: 0 },
        bindings: [{ tensor: x }],
        workgroups: [1, 1, 1],
        flops: 0,
        bytesMoved: 0,
        ...dispatch([x, out]),
      },
    ],
  });
}

describe('counts', () => {
  test('of weights, persistent tensors, uniforms, pipelines, dispatches and FLOPs', () => {
    const g = graph();
    const x = g.input('x', [3, 5], 'f32'); // 3 rows of 8 → 96 bytes
    const w1 = linearWeight(g, 'w1', 7, 5);
    const h = linear(g, x, w1, 'a');
    g.segment('later');
    g.output('y', linear(g, h, linearWeight(g, 'w2', 2, 7), 'b')); // h is persistent: two segments
    const p = plan(g);
    expect(p.weightsBytes).toBe(7 * 8 * 4 + 2 * 8 * 4);
    expect(p.uniformBytes).toBe(2 * 256);
    expect(p.persistentBytes).toBe(96 + 96 + 48 + 512);
    expect(p.intermediatesBytes).toBe(0);
    expect([p.pipelines, p.kernelKeys]).toEqual([1, ['test-linear']]);
    expect(p.segments.map((s) => [s.name, s.dispatches, s.flops])).toEqual([
      ['run', 1, 2 * 3 * 5 * 7],
      ['later', 1, 2 * 3 * 7 * 2],
    ]);
    expect(p.segments[0]!.weights).toEqual([w1]);
  });

  test('keeps one of the kernels with equal keys, whose texts would be most of a plan', () => {
    const g = graph();
    const [x, z] = [g.input('x', [2, 4], 'f32'), g.input('z', [2, 4], 'f32')];
    g.output('y', add(g, x, z, 'a'));
    g.output('w', add(g, z, x, 'b'));
    const kernels = plan(g).segments[0]!.nodes.flatMap(({ dispatches }) => dispatches.map(({ kernel }) => kernel));
    expect(kernels).toHaveLength(2);
    const byKey = new Map(kernels.map((kernel) => [kernel.key, kernel]));
    for (const kernel of kernels) expect(kernel).toBe(byKey.get(kernel.key));
  });

  test('and the variants that a tuner should choose among', () => {
    const g = graph();
    const asked: string[][] = [];
    odd(g, {}, () => ({}));
    const x = g.input('z', [4], 'f32');
    g.add({
      op: 'choosing',
      label: 'choosing',
      inputs: [x],
      weights: [],
      outputs: [g.tensor('chosen', [4], 'f32')],
      lower(context) {
        context.pick('all', ['a', 'b']);
        context.pick('some', ['a', 'b', 'c'], ['b', 'c']);
        return [];
      },
    });
    const { segments } = planProgram(g, defaultProfile, {
      pick: (_key, variants) => void asked.push([...variants]),
    });
    expect(asked).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
    expect([...segments[0]!.nodes[1]!.choices]).toEqual([
      ['all', { variants: ['a', 'b'], worthTiming: ['a', 'b'] }],
      ['some', { variants: ['a', 'b', 'c'], worthTiming: ['b', 'c'] }],
    ]);
  });

  test('intermediates cover all that lives at once, scratch included; naive bytes are the sum', () => {
    const g = graph();
    let x = g.input('x', [8, 100], 'f32');
    for (let i = 0; i < 5; i++) x = linear(g, x, linearWeight(g, `w${i}`, 100, 100), `l${i}`);
    g.output('y', x);
    const [s] = plan(g).segments;
    const one = alignUp(8 * 100 * 4, 256);
    expect(s!.intermediatesBytes).toBe(2 * one);
    expect(s!.intermediatesBytes).toBe(peakLiveBytes(s!.lifetimes, 256));
    expect(s!.naiveBytes).toBe(4 * 8 * 100 * 4);
  });

  test('an empty weight or tensor still takes a vec4', () => {
    const g = graph();
    g.input('none', [0, 4], 'f32');
    expect(plan(g).persistentBytes).toBe(16);
    expect(weightBytes(linearWeight(g, 'w', 0, 4))).toBe(16);
  });
});

describe('in place', () => {
  const placed = (g: Graph) => plan(g).segments[0]!;

  test('a chain shares one storage, with the bytes of one', () => {
    const g = graph();
    const [p, q] = [g.input('p', [64]), g.input('q', [64])];
    let h = add(g, p, q, 'first');
    const chain = [h];
    for (let i = 0; i < 4; i++) chain.push((h = add(g, h, q, `more${i}`)));
    g.output('y', add(g, h, q, 'last'));
    const s = placed(g);
    expect(s.nodes.map((n) => n.inPlace)).toEqual([false, true, true, true, true, false]);
    expect(new Set(chain.map((t) => s.offsets.get(t))).size).toBe(1);
    expect(s.intermediatesBytes).toBe(256);
    expect(s.nodes[1]!.dispatches[0]!.bindings.length).toBe(2);
  });

  test('not from what is used again, nor from or into what persists, nor from an operand used twice', () => {
    const g = graph();
    const [p, q] = [g.input('p', [64]), g.input('q', [64])];
    const h = add(g, p, q, 'a'); // p persists
    const k = add(g, h, q, 'b'); // h is used below
    const m = add(g, h, k, 'c'); // h dies here: granted
    g.output('y', add(g, m, q, 'd')); // y persists
    expect(placed(g).nodes.map((n) => n.inPlace)).toEqual([false, false, true, false]);

    const twice = graph();
    const x = add(twice, twice.input('p', [64]), twice.input('q', [64]), 'a');
    const out = twice.tensor('out', [64], 'f32');
    twice.add({ op: 'square', label: 's', inputs: [x, x], weights: [], outputs: [out], inPlace: x, lower: () => [] });
    expect(placed(twice).nodes[1]!.inPlace).toBe(false);
  });

  test('not between different sizes or dtypes', () => {
    for (const [shape, dtype] of [
      [[32], 'f32'],
      [[64], 'u32'],
    ] as const) {
      const g = graph();
      const x = add(g, g.input('p', [64]), g.input('q', [64]), 'a');
      const out = g.tensor('out', shape, dtype);
      g.add({ op: 'odd', label: 's', inputs: [x], weights: [], outputs: [out], inPlace: x, lower: () => [] });
      expect(placed(g).nodes[1]!.inPlace).toBe(false);
    }
  });

  test('a tensor written again later keeps its room until then', () => {
    const g = graph();
    const q = g.input('q', [64]);
    const h = add(g, q, q.id === 0 ? g.input('r', [64]) : q, 'a');
    const k = add(g, h, q, 'b');
    g.add({ op: 'rewrite', label: 'again', inputs: [k], weights: [], outputs: [h], lower: () => [] });
    const s = placed(g);
    expect(s.nodes[1]!.inPlace).toBe(false);
    expect(s.offsets.get(h)).not.toBe(s.offsets.get(k));
    expect(tensorBytes(h)).toBe(256);
  });
});

describe('mistakes are found by planning', () => {
  test('reading what nothing wrote', () => {
    const g = graph();
    add(g, g.tensor('ghost', [4], 'f32'), g.input('x', [4]));
    expect(() => plan(g)).toThrow(/run: expected add \(add\) to read a written tensor, got "ghost"/);
  });

  const bad = { code: 'graph/bad-dispatch' };
  const limit = { code: 'device/limit' };
  const a = { name: 'a', access: 'read_write' } as const;
  const kernel = { name: 'odd', key: 'odd', wgsl: '', bindings: [a], uniformBytes: 0 };
  const foreign: Tensor = { id: 99, name: 'foreign', shape: [4], dtype: 'f32' };

  test.each<[string, object, (t: Tensor[]) => Partial<Dispatch>]>([
    ['too few bindings', bad, () => ({ bindings: [] })],
    [
      'more than 8 storage buffers',
      bad,
      ([x]) => ({
        kernel: { ...kernel, bindings: Array.from({ length: 9 }, () => a) },
        bindings: Array.from({ length: 9 }, () => ({ tensor: x! })),
      }),
    ],
    ['a tensor the node does not declare', bad, () => ({ bindings: [{ tensor: foreign }] })],
    ['a tensor bound read', bad, () => ({ kernel: { ...kernel, bindings: [{ name: 'a', access: 'read' }] } })],
    [
      'the same storage twice',
      bad,
      ([x]) => ({ kernel: { ...kernel, bindings: [a, a] }, bindings: [{ tensor: x! }, { tensor: x! }] }),
    ],
    ['an unaligned range', bad, ([x]) => ({ bindings: [{ tensor: x!, byteOffset: 4 }] })],
    ['a range past the end', bad, ([x]) => ({ bindings: [{ tensor: x!, byteLength: 64 }] })],
    ['missing uniforms', bad, () => ({ kernel: { ...kernel, uniformBytes: 16 } })],
    ['a broken grid', bad, () => ({ workgroups: [1.5, 1, 1] })],
    ['a grid beyond the limit', limit, () => ({ workgroups: [65536, 1, 1] })],
  ])('%s', (_, error, dispatch) => {
    const g = graph();
    odd(g, {}, dispatch);
    expect(() => plan(g)).toThrow(
      expect.objectContaining({ ...error, message: expect.stringContaining('the.odd.one') }),
    );
  });

  test('a binding beyond the adapter’s limit, by the tensor’s name and with the cure', () => {
    const g = graph();
    g.output('y', add(g, g.input('large', [1024]), g.input('q', [1024])));
    const profile = { ...defaultProfile, limits: { ...defaultProfile.limits, maxStorageBufferBindingSize: 2048 } };
    expect(() => planProgram(g, profile)).toThrow(
      /add .*expected "large" to be bound 2048 bytes at most.*got 4096\. Use a smaller picture/,
    );
  });

  test('in-place storage bound under both its names', () => {
    const g = graph();
    const x = add(g, g.input('p', [64]), g.input('q', [64]), 'a');
    const out = g.tensor('out', [64], 'f32');
    g.add({
      op: 'odd',
      label: 'both',
      inputs: [x],
      weights: [],
      outputs: [out],
      inPlace: x,
      lower: () => [
        {
          kernel: { ...kernel, bindings: [a, { name: 'out', access: 'read_write' }] },
          bindings: [{ tensor: x }, { tensor: out }],
          workgroups: [1, 1, 1],
          flops: 0,
          bytesMoved: 0,
        },
      ],
    });
    expect(() => plan(g)).toThrow(/"out" to be bound once/);
  });
});
