import { elementCount, isFloatDtype, isPalettizableShape } from '@pleinair/weights';

/** A layer whose weight can be palettized. */
export interface Candidate {
  /** Its name, e.g. `down_blocks.1.attentions.0.proj_in`. */
  readonly layer: string;
  /** Its weight's name in the checkpoint: the layer's, then `.weight`. */
  readonly tensor: string;
  /** `[N, K]` or `[N, C, kh, kw]` */
  readonly shape: readonly number[];
  /** Elements of the weight. */
  readonly weights: number;
}

/** Options of {@link candidatesOf}. */
export interface CandidateOptions {
  /** Only weights of more elements than this. Default 1e5, as published. */
  readonly minWeights?: number;
}

/** A tensor of a checkpoint, as `Component.entries` has them. */
export interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

const weightEnding = '.weight';

/** Added to activations, not multiplied with them: neither linear layers nor gathered by token. */
const added = /(^|\.)position_embedding$/;

/**
 * The linear layers, convolutions and token embeddings of a part with more than some number of weights: in a part of a
 * diffusion model those are its `….weight` tensors of two or four dimensions. In the order given.
 */
export function candidatesOf(tensors: Iterable<TensorInfo>, { minWeights = 1e5 }: CandidateOptions = {}): Candidate[] {
  return [...tensors].flatMap(({ name, shape, dtype }) => {
    if (!name.endsWith(weightEnding) || !isFloatDtype(dtype) || !isPalettizableShape(shape)) return [];
    const layer = name.slice(0, -weightEnding.length);
    const weights = elementCount(shape);
    return weights > minWeights && !added.test(layer) ? [{ layer, tensor: name, shape, weights }] : [];
  });
}

/** A layer's name from its own or its weight's. */
export function layerName(name: string): string {
  return name.endsWith(weightEnding) ? name.slice(0, -weightEnding.length) : name;
}
