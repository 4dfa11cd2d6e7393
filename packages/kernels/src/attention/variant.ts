import type { DeviceProfile, Dispatch, LowerContext, Tensor } from '@pleinair/tensor';
import { tensorBuffer } from '../shader/declare.js';
import type { MadeFor } from '../product/variant.js';
import type { BufferDeclaration } from '../shader/storage.js';

/** What one attention computes. */
export interface AttentionProblem {
  /** `[batch, queries, heads·headDim]`; any of the three may be the same tensor. */
  readonly q: Tensor;
  /** `[batch, keys, heads·headDim]`. */
  readonly k: Tensor;
  readonly v: Tensor;
  /** As `q`. */
  readonly out: Tensor;
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  /** Query i sees keys 0 … i only. */
  readonly causal: boolean;
  /** Factor of the scores, before the softmax. */
  readonly scale: number;
}

/**
 * What a person may force: `split` writes scores in bounded tiles, `flash` writes none, `subgroup` is either with operands
 * passed round or multiplied by subgroups.
 */
export type AttentionFamily = 'split' | 'flash' | 'subgroup';

/** One way to compute attention. All give the same numbers up to rounding; the tuner or a heuristic picks one. */
export interface AttentionVariant {
  /** Its name in the tuner's memory. */
  readonly name: string;
  readonly family: AttentionFamily;
  readonly madeFor?: MadeFor;
  /** Why this variant cannot take the problem on an adapter, or nothing. */
  unsupported(problem: AttentionProblem, profile: DeviceProfile): string | undefined;
  lower(problem: AttentionProblem, context: LowerContext): Dispatch[];
}

/** vec4 columns one head takes, the last one partly filled when the width is not a multiple of 4. */
export function headColumns(problem: AttentionProblem): number {
  return Math.ceil(problem.headDim / 4);
}

/** True when every head starts at a vec4. */
export function headsAligned(problem: AttentionProblem): boolean {
  return problem.headDim % 4 === 0 || problem.heads === 1;
}

/** Work of one of the two products: queries by seen keys by head width, a multiply-add counting 2. */
export function productFlops({ batch, heads, headDim, queries, keys, causal }: AttentionProblem): number {
  const diagonal = Math.min(queries, keys);
  const pairs = causal ? (diagonal * (diagonal + 1)) / 2 + (queries - diagonal) * keys : queries * keys;
  return 2 * batch * heads * pairs * headDim;
}

/** Buffers of q, k and v, each tensor once, and the buffer name each operand is read from. */
export interface OperandBuffers {
  readonly buffers: readonly BufferDeclaration[];
  readonly tensors: readonly Tensor[];
  readonly names: ReadonlyMap<Tensor, string>;
}

/** Declares operands under their first name: one tensor in two roles is bound once. */
export function operandBuffers(
  operands: readonly (readonly [name: string, tensor: Tensor])[],
  profile: DeviceProfile,
): OperandBuffers {
  const names = new Map<Tensor, string>();
  for (const [name, tensor] of operands) if (!names.has(tensor)) names.set(tensor, name);
  const entries = [...names];
  return {
    buffers: entries.map(([tensor, name]) => tensorBuffer(name, tensor, profile)),
    tensors: entries.map(([tensor]) => tensor),
    names,
  };
}

/**
 * WGSL function `NAME(row: u32, head: u32, column: u32) -> vec4<f32>` reading four consecutive elements of a head, with
 * the width of heads in `u.headDim` and `u.headColumns`.
 *
 * Heads that start between vec4s are read element by element, and elements past the head are zero.
 */
export function headLoadText(name: string, buffer: string, stride: string, problem: AttentionProblem): string {
  if (headsAligned(problem)) {
    return `fn ${name}(row: u32, head: u32, column: u32) -> vec4<f32> { return load_${buffer}(row * ${stride} + head * u.headColumns + column); }`;
  }
  return `fn ${name}(row: u32, head: u32, column: u32) -> vec4<f32> {
  var r = vec4<f32>(0.0);
  for (var i = 0u; i < 4u; i++) {
    if (column * 4u + i < u.headDim) {
      let at = head * u.headDim + column * 4u + i;
      r[i] = load_${buffer}(row * ${stride} + at / 4u)[at % 4u];
    }
  }
  return r;
}`;
}

/**
 * WGSL of one step of a dot product: one running number, not four, so that as many products as there are registers can
 * be under way at once.
 */
export const accumulateText = `fn accumulate(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}`;
