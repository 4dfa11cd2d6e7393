import type { Graph } from '@pleinair/tensor';
import type { PipelineShape } from './pipeline-shape.js';

/** A tensor of a checkpoint, as far as configurations tell: plans are made with no checkpoint at hand. */
export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As models are published. */
  readonly dtype: 'F16';
}

/** A shape for what depends on none, such as the tensors of a checkpoint. */
export const leastShape: PipelineShape = {
  width: 64,
  height: 64,
  pictures: 1,
  guided: false,
  halves: 'together',
  chunks: 1,
  precision: 'f16',
  solver: { slots: 0, drawsNoise: false, evaluations: 1 },
};

/** The checkpoint tensors a graph is made of, each once. */
export function graphTensors({ weights }: Graph): CheckpointTensor[] {
  const shapes = new Map(weights.map(({ source }) => [source.name, source.shape]));
  return [...shapes].map(([name, shape]) => ({ name, shape, dtype: 'F16' }));
}
