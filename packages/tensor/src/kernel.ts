import type { Tensor } from './tensor.js';
import type { Weight } from './weight.js';

/** One storage binding of a kernel, in order of `@binding` in `@group(0)`. */
export interface KernelBinding {
  /** Name of the WGSL variable, for error texts and labels. */
  readonly name: string;
  /**
   * Weights bind `read`; tensors always bind `read_write`, also when they are only read, because they share arena
   * buffers and WebGPU refuses one buffer as both `read` and `read_write` in one dispatch, even at disjoint ranges.
   */
  readonly access: 'read' | 'read_write';
}

/**
 * A compute kernel as a value: its text and all that is needed to build a pipeline from it, with no GPU in sight.
 *
 * Storage bindings come first (`@group(0) @binding(0…n−1)`), then, when `uniformBytes > 0`, one uniform block at
 * `@binding(n)`. The entry point is `main`.
 */
export interface Kernel {
  /** Family and variant for people, e.g. `matmul/tiled`. */
  readonly name: string;
  /** Everything the text depends on. Two kernels with the same key have the same text. */
  readonly key: string;
  readonly wgsl: string;
  readonly bindings: readonly KernelBinding[];
  /** Size of the uniform block in bytes, a multiple of 16; 0 for none. */
  readonly uniformBytes: number;
}

/** What is bound at one of a kernel's storage bindings. */
export interface BoundTensor {
  readonly tensor: Tensor;
  /** Byte range inside the tensor, for row bands; the whole tensor when absent. Must keep the offset alignment. */
  readonly byteOffset?: number;
  readonly byteLength?: number;
}

/** A weight bound at a kernel's storage binding; ranges as in {@link BoundTensor}. */
export interface BoundWeight {
  readonly weight: Weight;
  readonly byteOffset?: number;
  readonly byteLength?: number;
}

/** One dispatch of a kernel: what the executor encodes, and what the plan counts. */
export interface Dispatch {
  readonly kernel: Kernel;
  /** In the kernel's binding order. A tensor must not appear twice unless the ranges are disjoint. */
  readonly bindings: readonly (BoundTensor | BoundWeight)[];
  /** Contents of the uniform block, `kernel.uniformBytes` long. */
  readonly uniforms?: ArrayBuffer;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Work of the direct algorithm; a multiply-add counts 2. */
  readonly flops: number;
  /** Work really done (Winograd and the like); defaults to `flops`. */
  readonly executedFlops?: number;
  /** Bytes read and written if every operand crosses the memory bus once per dispatch. */
  readonly bytesMoved: number;
}
