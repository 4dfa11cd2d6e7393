import { branchOf, throwIfCancelled, toHalfArray, type PackedPiece, type Weight } from '@pleinair/tensor';
import type { ReadOptions } from '../source.js';
import type { LoraModule } from './lora-module.js';
import { transposed, type LowRank } from './low-rank.js';

/** A LoRA of one part, and how strongly it counts. */
export interface ScaledModules {
  /** By tensor. */
  readonly modules: ReadonlyMap<string, LoraModule>;
  readonly scale: number;
}

/**
 * Rank of the side branch of a tensor that several LoRAs share: their ranks side by side, padded to whole vec4s.
 *
 * @returns Undefined where none of them changes it.
 */
export function branchRank(tensor: string, loras: readonly ScaledModules[]): number | undefined {
  const ranks = loras.flatMap(({ modules }) => modules.get(tensor)?.rank ?? []);
  return ranks.length === 0 ? undefined : Math.ceil(ranks.reduce((a, b) => a + b, 0) / 4) * 4;
}

/**
 * The factors of side branches as pieces of the weights that a graph recorded with `lowRank` reads. Scales, alphas
 * included, are in the upward factors, so that changing a scale changes these only.
 *
 * @param weights - Of side branches, in any order.
 */
export async function* branchPieces(
  weights: readonly Weight[],
  loras: readonly ScaledModules[],
  options: ReadOptions = {},
): AsyncGenerator<readonly [Weight, PackedPiece]> {
  const byTensor = new Map<string, Weight[]>();
  for (const weight of weights) {
    const tensor = branchOf(weight.source.name)?.tensor;
    if (tensor !== undefined) byTensor.set(tensor, [...(byTensor.get(tensor) ?? []), weight]);
  }
  for (const [tensor, made] of byTensor) {
    throwIfCancelled(options.signal, 'loading LoRA');
    const factors = await readFactors(tensor, loras, options);
    for (const weight of made) {
      const values = valuesOf(weight, factors);
      const stored = weight.storage === 'f16' ? toHalfArray(values) : values;
      const { shape } = weight.source;
      for (const piece of weight.layout.pack(stored, 0, shape[0]!, shape)) yield [weight, piece];
    }
  }
}

async function readFactors(
  tensor: string,
  loras: readonly ScaledModules[],
  options: ReadOptions,
): Promise<readonly LowRank[]> {
  const factors: LowRank[] = [];
  for (const { modules, scale } of loras) {
    const change = await modules.get(tensor)?.read(options);
    const product = change?.product?.();
    if (product) factors.push(scaledUp(balanced(product), scale));
  }
  return factors;
}

/**
 * Both factors of about one size, by a power of two, which rounds nothing: many files have ups so small that half floats
 * would keep few bits of them.
 */
function balanced({ rank, down, up }: LowRank): LowRank {
  const [largestDown, largestUp] = [largest(down), largest(up)];
  if (largestDown === 0 || largestUp === 0) return { rank, down, up };
  const factor = 2 ** Math.round(Math.log2(largestDown / largestUp) / 2);
  return { rank, down: down.map((value) => value / factor), up: up.map((value) => value * factor) };
}

function scaledUp({ rank, down, up }: LowRank, scale: number): LowRank {
  return { rank, down, up: up.map((value) => value * scale) };
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** What a weight of a branch holds, rows of its shape one after another; zeros beyond the ranks there are. */
function valuesOf(weight: Weight, factors: readonly LowRank[]): Float32Array<ArrayBuffer> {
  const { shape, name } = weight.source;
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const factor = branchOf(name)!.factor;
  let first = 0;
  for (const { rank, down, up } of factors) {
    if (factor === 'down') out.set(down, first * (down.length / rank));
    else if (factor === 'up-rows') out.set(transposed(up, up.length / rank, rank), first * shape[1]!);
    else {
      for (let n = 0; n < shape[0]!; n++) out.set(up.subarray(n * rank, (n + 1) * rank), n * shape[1]! + first);
    }
    first += rank;
  }
  return out;
}
