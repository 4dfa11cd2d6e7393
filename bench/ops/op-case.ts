import type { Graph, Tensor, Weight, WeightScope } from '@pleinair/tensor';
import type { OnnxGraph } from '../peer/onnx-graph.js';

/** Where ours records a link. */
export interface OursRecorder {
  readonly g: Graph;
  /** Weights of this link. */
  readonly scope: WeightScope;
  /** A tensor that every link reads, channels last. */
  readonly side: (name: string, shape: readonly number[]) => Tensor;
  /** A vector weight of this link. */
  readonly vector: (name: string, length: number) => Weight;
}

/** Where the peer's link is written down: the same weights, named alike. */
export interface PeerRecorder {
  readonly m: OnnxGraph;
  /** A tensor that every link reads; `shape` channels last, given to the peer channels first where it is a picture. */
  readonly side: (name: string, shape: readonly number[]) => string;
  readonly vector: (name: string, length: number) => string;
  /** `[n, k]` in the checkpoint, `[k, n]` here, as `MatMul` wants it. */
  readonly matrix: (name: string, n: number, k: number) => string;
  /** A weight as the checkpoint has it. */
  readonly weight: (name: string, shape: readonly number[]) => string;
}

/** An operation on one shape, as both engines do it. A link's output has its input's shape, so that links chain. */
export interface OpCase {
  readonly suite: string;
  /** Name, sizes and scale. */
  readonly shape: string;
  /** Channels last. */
  readonly input: readonly number[];
  ours(recorder: OursRecorder, x: Tensor): Tensor;
  peer(recorder: PeerRecorder, x: string): string;
  /** The same as exporters write it, where `peer` uses an operator of the peer's own that is wrong on some adapters. */
  exported?(recorder: PeerRecorder, x: string): string;
}
