import { compileProgram, CancelledError, Graph, planProgram, WeightScope, type Device } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { linear, linearWeight } from '../matmul/linear.js';
import { openTimedNode } from './timed-node.js';
import { MemoryTuningStore } from './store.js';
import { collectSubjects, type TuningWork } from './subject.js';
import { Tuner } from './tuner.js';

let device: Device;
beforeAll(async () => void (device = await testDevice()));
let bytesBefore = 0;
afterEach(() => expect(device.memory.total).toBe(bytesBefore));
beforeAll(() => void (bytesBefore = device.memory.total));

interface ContrivedOptions {
  /** Has a variant that does not compile. */
  readonly broken?: boolean;
  /** Stands for changes of a variant's text. */
  readonly revision?: Readonly<Record<string, number>>;
}

/** Adds 1 to 4096 numbers, again and again: the first variant, the heuristic's, does forty times the work. */
function contrived({ broken = false, revision = {} }: ContrivedOptions = {}): Graph {
  const g = new Graph('contrived', { dtype: 'f32' });
  g.segment('run');
  const x = g.input('x', [64, 64]);
  const out = g.tensor('out', [64, 64]);
  const turns: Readonly<Record<string, number>> = { slow: 4000, quick: 100, slower: 8000 };
  g.add({
    op: 'contrived',
    label: 'contrived',
    inputs: [x],
    weights: [],
    outputs: [out],
    lower: (context) => {
      const names = broken ? ['slow', 'broken', 'quick'] : ['slow', 'slower', 'quick'];
      const name = context.pick('contrived 64x64', names) ?? 'slow';
      const wgsl = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var sum = x[id.x];
  for (var i = 0; i < ${turns[name] ?? 'nothing'}; i++) { sum = fma(sum, 0.999, 1.0); }
  out[id.x] = sum;
}`;
      const bindings = ['x', 'out'].map((each) => ({ name: each, access: 'read_write' as const }));
      const kernel = {
        name: `contrived/${name}`,
        key: `tuner-test-${name}${revision[name] ?? ''}`,
        wgsl,
        bindings,
        uniformBytes: 0,
      };
      return [
        {
          kernel,
          bindings: [{ tensor: x }, { tensor: out }],
          workgroups: [64, 1, 1] as const,
          flops: 2 * 4096 * 4000,
          bytesMoved: 8 * 4096,
        },
      ];
    },
  });
  g.output('out', out);
  return g;
}

const works = (graph: Graph): TuningWork[] => [{ part: 'contrived', graph, runs: () => 1000 }];

describe('the tuner on an adapter', () => {
  it('finds the better variant by timing, makes plans and programs take it, and times nothing a second time', async () => {
    const store = new MemoryTuningStore();
    const graph = contrived();
    const kernelsOf = (pick?: Parameters<typeof planProgram>[2]): readonly string[] =>
      planProgram(graph, device.profile, pick).kernelKeys;
    expect(kernelsOf()).toEqual(['tuner-test-slow']);

    const first = await new Tuner(device, { store, budgetMs: 30_000 }).tune(works(graph));
    expect(first.shapes).toHaveLength(1);
    const { record, winner, isNew } = first.shapes[0]!;
    expect({ winner, isNew }).toEqual({ winner: 'quick', isNew: true });
    expect(record).toMatchObject({ heuristic: 'slow', winner: 'quick' });
    expect(record!.times['quick']!).toBeLessThan(record!.times['slow']!);
    expect(kernelsOf({ pick: first.pick })).toEqual(['tuner-test-quick']);
    const program = await compileProgram(graph, device, { pick: first.pick });
    expect(program.plan.kernelKeys).toEqual(['tuner-test-quick']);
    program.dispose();

    const asked: string[] = [];
    const second = await new Tuner(device, { store }).tune(works(graph), {
      onProgress: ({ variant }) => asked.push(variant),
    });
    expect(asked).toEqual([]);
    expect(second.shapes[0]).toMatchObject({ winner: 'quick', isNew: false });
    expect(kernelsOf({ pick: second.pick })).toEqual(['tuner-test-quick']);

    const known = await new Tuner(device, { store, mode: 'known' }).tune(works(graph));
    expect(kernelsOf({ pick: known.pick })).toEqual(['tuner-test-quick']);
    const off = await new Tuner(device, { store, mode: 'off' }).tune(works(graph));
    expect(kernelsOf({ pick: off.pick })).toEqual(['tuner-test-slow']);
  });

  it('goes on where quick tuning stopped, when asked for a full one', async () => {
    const store = new MemoryTuningStore();
    const graph = contrived();
    const quick = await new Tuner(device, { store, budgetMs: 0 }).tune(works(graph));
    expect(quick.shapes[0]).toMatchObject({ winner: undefined, record: { extent: 'none', times: {} } });
    const again = await new Tuner(device, { store, budgetMs: 30_000 }).tune(works(graph));
    expect(again.shapes[0]).toMatchObject({ winner: undefined, isNew: false });
    const full = await new Tuner(device, { store, mode: 'full' }).tune(works(graph));
    expect(full.shapes[0]).toMatchObject({ winner: 'quick', isNew: true, record: { extent: 'all' } });
    expect(Object.keys(full.shapes[0]!.record!.times).sort()).toEqual(['quick', 'slow', 'slower']);
  });

  it('times a shape again when the texts of its kernels have changed', async () => {
    const store = new MemoryTuningStore();
    const tuner = new Tuner(device, { store, mode: 'full' });
    const before = await tuner.tune(works(contrived()));
    expect(before.shapes[0]).toMatchObject({ winner: 'quick', isNew: true });
    // The winner's text, then one of the losers'; quick tuning looks at the former only.
    const winner = contrived({ revision: { quick: 2 } });
    const loser = contrived({ revision: { slower: 2 } });
    const modes = async (graph: Graph): Promise<boolean[]> => {
      const results: boolean[] = [];
      for (const mode of ['known', 'quick', 'full'] as const) {
        const copy = new MemoryTuningStore();
        await copy.save(tuner.adapter, await store.load(tuner.adapter));
        const { shapes } = await new Tuner(device, { store: copy, mode, budgetMs: 30_000 }).tune(works(graph));
        results.push(shapes[0]!.record !== undefined && !shapes[0]!.isNew);
      }
      return results;
    };
    expect(await modes(winner)).toEqual([false, false, false]);
    expect(await modes(loser)).toEqual([true, true, false]);
  });

  it('does without a variant that the adapter does not compile', async () => {
    const tuner = new Tuner(device, { store: new MemoryTuningStore(), mode: 'full' });
    const { shapes } = await tuner.tune(works(contrived({ broken: true })));
    expect(shapes[0]).toMatchObject({ winner: 'quick', record: { times: { broken: null } } });
  });

  it('stops when it is told to, and keeps nothing on the GPU', async () => {
    const controller = new AbortController();
    const tuner = new Tuner(device, { store: new MemoryTuningStore(), mode: 'full' });
    const tuning = tuner.tune(works(contrived()), {
      signal: controller.signal,
      onProgress: ({ done }) => done === 1 && controller.abort(),
    });
    await expect(tuning).rejects.toThrow(CancelledError);
  });

  it('times a node of a model as it stands there: weights, residual in place', async () => {
    const g = new Graph('layers', { dtype: 'f16' });
    const scope = new WeightScope(g);
    g.segment('step');
    const x = linear(g, g.input('x', [1, 40, 24]), linearWeight(scope.in('a'), 24, 24), { label: 'a' });
    const y = linear(g, x, linearWeight(scope.in('b'), 24, 24), { residual: x, label: 'b' });
    g.output('out', linear(g, y, linearWeight(scope.in('c'), 8, 24), { label: 'c' }));
    const subjects = collectSubjects([{ part: 'p', graph: g, runs: () => 1 }], {
      profile: device.profile,
      expectedMs: () => 1,
    });
    const inPlace = { ...subjects[0]!, node: g.segments[0]!.nodes[1]!, inPlace: true };
    for (const subject of [...subjects, inPlace]) {
      const timed = await openTimedNode(device, subject, { readingMs: 1 });
      const { ms, processorMs } = await timed.read();
      expect(ms).toBeGreaterThan(0);
      if (device.profile.isSoftware) expect(processorMs).toBeGreaterThan(0);
      timed.close();
    }
  });
});
