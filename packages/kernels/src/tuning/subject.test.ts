import {
  defaultProfile,
  Graph,
  planProgram,
  WeightScope,
  type DeviceProfile,
  type Dispatch,
  type LowerContext,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { attention } from '../attention/attention.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { narrowConv } from '../conv2d/narrow.js';
import { scaleBy } from '../latent/elementwise.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { alonePlan, nodeGraph } from './node-graph.js';
import { choicesOf, currentHash, kernelHash } from './choices.js';
import { collectSubjects, type TuningSubject, type TuningWork } from './subject.js';

const expectedMs = ({ flops }: Dispatch): number => flops / 1e6;

/** Three projections of one shape, one of them with a residual that dies there, then one of another shape. */
function layers(): Graph {
  const g = new Graph('layers', { dtype: 'f16' });
  const scope = new WeightScope(g);
  const weight = (name: string, n: number, k: number) => linearWeight(scope.in(name), n, k);
  g.segment('once');
  const context = linear(g, g.input('context', [1, 77, 64]), weight('context', 128, 64), { label: 'context' });
  g.segment('step');
  const x = linear(g, g.input('x', [1, 256, 128]), weight('a', 128, 128), { label: 'a' });
  const y = linear(g, x, weight('b', 128, 128), { label: 'b' });
  const z = linear(g, y, weight('c', 128, 128), { residual: x, label: 'c' });
  g.output('out', attention(g, { q: z, k: context, v: context, heads: 2, label: 'attend' }));
  return g;
}

const work = (graph: Graph): TuningWork => ({ part: 'part', graph, runs: (name) => (name === 'step' ? 20 : 1) });
const collect = (graph: Graph, profile: DeviceProfile = defaultProfile): TuningSubject[] =>
  collectSubjects([work(graph)], { profile, expectedMs });

describe('what there is to tune in a graph', () => {
  it('is each shape once, with how often it runs and what that takes', () => {
    const subjects = collect(layers());
    const [context, square] = subjects;
    expect(subjects.map(({ op }) => op)).toEqual(['linear', 'linear', 'attention']);
    expect(context).toMatchObject({ shape: 'linear 77x64x128 f16 f16', count: 1, runs: 1, part: 'part' });
    expect(square).toMatchObject({ shape: 'linear 256x128x128 f16 f16', count: 3, runs: 60 });
    expect(square!.flops).toBe(2 * 256 * 128 * 128);
    expect(square!.expectedMs).toBeCloseTo((60 * 2 * 256 * 128 * 128) / 1e6, 6);
  });

  it('names the supported variants and which the heuristic takes', () => {
    const [, square] = collect(layers());
    const { variants, heuristic } = choicesOf(square!, { profile: defaultProfile });
    const names = variants.map(({ name }) => name);
    expect(names).toContain('tiled64x64');
    expect(names).not.toContain('columns16x32'); // needs subgroups
    expect(names).toContain(heuristic);
    for (const variant of variants) {
      expect(variant.kernels.length).toBeGreaterThan(0);
      expect(currentHash(square!, variant.name, { profile: defaultProfile })).toBe(kernelHash(variant));
    }
    expect(new Set(variants.map(kernelHash)).size).toBe(variants.length);
  });

  it('leaves out what software adapters never run fastest, where they run something made for them', () => {
    const software: DeviceProfile = {
      ...defaultProfile,
      isSoftware: true,
      features: { ...defaultProfile.features, subgroups: true },
      subgroupMinSize: 8,
      subgroupMaxSize: 8,
    };
    const [, square, attend] = collect(layers(), software);
    expect(square!.names).toContain('columns16x32');
    expect(attend!.names).toContain('split-columns16x32');
    for (const name of [...square!.names, ...attend!.names]) expect(name).toMatch(/^(split-)?columns/);
    for (const subject of [square!, attend!]) {
      expect(subject.names).toContain(choicesOf(subject, { profile: software }).heuristic);
    }
    // They may be forced all the same.
    const forced = planProgram(layers(), software, { pick: (_key, all) => all.find((name) => name === 'tiled32x32') });
    expect(forced.kernelKeys.join()).toMatch(/product\/tiled32x32/);
    // Without subgroups tiles are all there is; on a GPU everything may be the fastest.
    const bare = collect(layers(), { ...software, features: { ...software.features, subgroups: false } });
    expect(bare[1]!.names).toContain('tiled64x64');
    const gpu = collect(layers(), { ...software, isSoftware: false });
    expect(gpu[1]!.names).toEqual(expect.arrayContaining(['columns16x32', 'tiled64x64', 'few4']));
  });

  it('is read off a plan that was made already', () => {
    const graph = layers();
    const plan = planProgram(graph, defaultProfile);
    const lowerings: string[] = [];
    for (const { nodes } of graph.segments) {
      for (const node of nodes) {
        const lower = node.lower.bind(node);
        Object.assign(node, { lower: (context: LowerContext) => (lowerings.push(node.label), lower(context)) });
      }
    }
    const options = { profile: defaultProfile, expectedMs };
    const from = collectSubjects([{ ...work(graph), plan }], options);
    expect(lowerings).toEqual([]);
    expect(from).toEqual(collectSubjects([work(graph)], options));
    expect(lowerings.length).toBeGreaterThan(0);
  });

  it('is a node of the form that most of the work is done in', () => {
    const [, square] = collect(layers());
    // Two plain ones against one with a residual.
    expect(square).toMatchObject({ inPlace: false });
    expect(square!.node.label).toBe('a');
  });

  it('is found in graphs that keep tensors in the arena between segments', () => {
    const g = new Graph('held', { dtype: 'f16' });
    const scope = new WeightScope(g);
    const kept = g.hold(g.tensor('kept', [1, 64, 128]));
    g.segment('step');
    // Read before it is written: it holds what the last run left.
    const x = linear(g, g.input('x', [1, 64, 128]), linearWeight(scope, 128, 128), { residual: kept, label: 'a' });
    g.add({ op: 'keep', label: 'keep', inputs: [x], weights: [], outputs: [kept], lower: () => [] });
    expect(collect(g).map(({ shape }) => shape)).toEqual(['linear 64x128x128 f16 f16']);
  });

  it('stands alone as in its model where its output goes over the front of its input', () => {
    const g = new Graph('narrow', { dtype: 'f16' });
    g.segment('step');
    const scope = new WeightScope(g);
    const wide = conv2d(g, g.input('x', [1, 32, 32, 128]), convWeight(scope.in('a'), 128, [128], 1), { label: 'a' });
    g.output(
      'y',
      scaleBy(g, narrowConv(g, wide, convWeight(scope.in('b'), 64, [128], 1), { label: 'b' }), 2, { label: 'y' }),
    );
    const narrow = collect(g).find(({ op }) => op === 'narrowConv')!;
    expect(narrow.inPlace).toBe(true);
    const alone = planProgram(nodeGraph(narrow), defaultProfile, alonePlan(narrow, undefined));
    const [, node] = alone.segments[0]!.nodes;
    expect(node!.inPlace).toBe(true);
    expect(node!.dispatches.length).toBeGreaterThan(1);
  });

  it('is not what someone else has decided', () => {
    const fixed = (shape: string): string | undefined => (shape.startsWith('attention') ? 'split' : undefined);
    const subjects = collectSubjects([work(layers())], { profile: defaultProfile, expectedMs, plan: { pick: fixed } });
    expect(subjects.map(({ op }) => op)).toEqual(['linear', 'linear']);
  });

  it('is the same each time, and its basis tells of other kernels', () => {
    const hashes = (profile: DeviceProfile): string[] => collect(layers(), profile).map(({ basis }) => basis);
    expect(hashes(defaultProfile)).toEqual(hashes(defaultProfile));
    const packed = { ...defaultProfile, features: { ...defaultProfile.features, shaderF16: false } };
    hashes(packed).forEach((hash, i) => expect(hash).not.toBe(hashes(defaultProfile)[i]));
  });

  it('has as choices only what comes to different dispatches', () => {
    const g = new Graph('g', { dtype: 'f32' });
    g.segment('step');
    const x = g.input('x', [1, 4]);
    const add = (label: string, names: readonly string[], kernelOf: (name: string | undefined) => string): void =>
      g.add({
        op: 'made-up',
        label,
        inputs: [x],
        weights: [],
        outputs: [g.tensor(label, [1, 4])],
        lower: (context) => {
          const name = kernelOf(context.pick(label, names));
          const kernel = { name, key: name, wgsl: '', bindings: [], uniformBytes: 0 };
          return [{ kernel, bindings: [], workgroups: [1, 1, 1], flops: 1, bytesMoved: 0 }];
        },
      });
    add('falls back', ['plain', 'needs room', 'other'], (name) => (name === 'other' ? 'other' : 'plain'));
    add('no choice', ['plain', 'same'], () => 'plain');
    const choices = collect(g).map((subject) => choicesOf(subject, { profile: defaultProfile }));
    expect(choices.map(({ heuristic }) => heuristic)).toEqual(['plain', 'plain']);
    expect(choices.map(({ variants }) => variants.map(({ name }) => name))).toEqual([['plain', 'other'], ['plain']]);
  });
});

describe('a graph of one node', () => {
  it('keeps everything the node reads and writes, or lets its output take over the input it replaces', () => {
    const g = new Graph('g', { dtype: 'f16' });
    g.segment('step');
    const scope = new WeightScope(g);
    const x = linear(g, g.input('x', [1, 64, 64]), linearWeight(scope.in('a'), 64, 64), { label: 'a' });
    const y = linear(g, g.input('y', [1, 64, 64]), linearWeight(scope.in('b'), 64, 64), { residual: x, label: 'b' });
    g.output('out', linear(g, y, linearWeight(scope.in('c'), 32, 64), { label: 'c' }));
    const node = g.segments[0]!.nodes[1]!;
    const plain = nodeGraph({ node, inPlace: false });
    expect([...plain.persistent()]).toHaveLength(3);
    const replaced = nodeGraph({ node, inPlace: true });
    expect([...replaced.persistent()]).toEqual([node.inputs[0]]);
    expect(replaced.segments[0]!.nodes.map(({ op }) => op)).toEqual(['source', 'linear']);
  });
});
