import { partGraph as sdPart, readSdConfig, sd15Files } from '@pleinair/sd';
import { partGraph as sdxlPart, readSdxlConfig, sdxlBaseFiles, type PipelineShape } from '@pleinair/sdxl';
import { Graph, plainRows, WeightScope, type GraphNode, type Tensor } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { inputShape } from '../ops/op-spec.js';
import { recordOp } from '../ops/record-op.js';
import { namedShapes, type ModelGraph, type NamedShape } from './named-shapes.js';

/** One picture of a guided pair, 20 steps. */
const pipeline = (side: number): PipelineShape => ({
  width: side,
  height: side,
  pictures: 1,
  guided: true,
  halves: 'in-turn',
  chunks: 1,
  precision: 'f16',
  solver: { slots: 0, drawsNoise: false, evaluations: 20 },
});

const sdxl = readSdxlConfig(sdxlBaseFiles);
const graphs: Readonly<Record<ModelGraph, () => Graph>> = {
  'sd15 unet': () => sdPart(readSdConfig(sd15Files), pipeline(512), 'unet'),
  'sdxl unet': () => sdxlPart(sdxl, pipeline(1024), 'unet'),
  'sdxl vae decoder': () => sdxlPart(sdxl, pipeline(1024), 'vae_decoder'),
  'sdxl text encoder': () => sdxlPart(sdxl, pipeline(1024), 'text_encoder'),
  'sdxl text encoder 2': () => sdxlPart(sdxl, pipeline(1024), 'text_encoder_2'),
};

const nodesOf = (graph: Graph): readonly GraphNode[] => graph.segments.flatMap(({ nodes }) => nodes);

/** All nodes of a model by label, recorded once. */
const known = new Map<ModelGraph, readonly GraphNode[]>();
function modelNodes(name: ModelGraph): readonly GraphNode[] {
  const nodes = known.get(name) ?? nodesOf(graphs[name]());
  known.set(name, nodes);
  return nodes;
}

function benchNodes({ spec }: NamedShape): readonly GraphNode[] {
  const g = new Graph('bench', { dtype: 'f16' });
  g.segment('run');
  const scope = new WeightScope(g, 'w');
  const side = (name: string, shape: readonly number[]) => g.input(name, shape);
  const vector = (name: string, n: number) => scope.weight(name, [n], plainRows);
  recordOp({ g, scope, side, vector }, spec, g.input('x', inputShape(spec)));
  return nodesOf(g);
}

/** `[rows, channels]` of a tensor. */
const flat = ({ shape }: Tensor): string => `${shape.slice(0, -1).reduce((a, b) => a * b, 1)}×${shape.at(-1)}`;

/** What makes a node's work: its matrices with the rows they meet and the width they give; else its operands. */
function work({ inputs, weights, outputs }: GraphNode): object {
  const matrices = weights.map(({ source }) => source.shape).filter((shape) => shape.length > 1);
  if (matrices.length === 0) return { operands: inputs.map(flat) };
  return { rows: flat(inputs[0]!).split('×')[0], matrices, output: flat(outputs[0]!) };
}

/** Operands of all nodes of the block in which a node stands. */
function operandsOfBlock(nodes: readonly GraphNode[], label: string): Set<string> {
  const block = label.slice(0, label.lastIndexOf('.') + 1);
  return new Set(nodes.filter((node) => node.label.startsWith(block)).flatMap(({ inputs }) => inputs.map(flat)));
}

describe.each(namedShapes.filter(({ nodes }) => nodes))('$name', (shape) => {
  it('is in the graph where it says it is, with the same sizes', () => {
    const ours = benchNodes(shape);
    expect(ours).toHaveLength(shape.nodes!.length);
    shape.nodes!.forEach(({ graph, label }, i) => {
      const nodes = modelNodes(graph);
      const theirs = nodes.find((node) => node.label === label);
      expect(theirs, `${graph} ${label}`).toBeDefined();
      if (!ours[i]!.op.startsWith('groupNorm')) {
        expect(ours[i]!.op).toBe(theirs!.op);
        expect(work(ours[i]!)).toEqual(work(theirs!));
        return;
      }
      // Who sums a GroupNorm's statistics, and whether what is normalised is written or made as it is read, is for the
      // model's blocks to choose: the tensor and its scales and shifts are the same.
      expect(theirs!.op).toMatch(/^groupNorm/);
      const vectors = ({ weights }: GraphNode): readonly (readonly number[])[] => weights.map((w) => w.source.shape);
      expect(vectors(ours[i]!)).toEqual(vectors(theirs!));
      expect(operandsOfBlock(nodes, label)).toContain(flat(ours[i]!.inputs[0]!));
    });
  });
});

it('names the graph of every shape but the plain square', () => {
  expect(namedShapes.filter(({ nodes }) => !nodes).map(({ name }) => name)).toEqual(['square 1024']);
});
