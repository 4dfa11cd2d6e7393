import { toHalfBits } from '@pleinair/tensor';

/** Values are one of this many, evenly spaced in (-1, 1) before they are scaled. */
const levels = 4096;

/** Fills an array with elements from `first` on: those of one tensor, wherever one starts. */
export type SeededFill = (out: Uint16Array, first: number) => void;

/**
 * Weights from nothing but their names: half-float bits equal to `tools/reference/seeded_weights.py` in every bit. A model
 * of any size needs neither a file nor a generator's state, and any band of any tensor can be made by itself.
 *
 * Products get values that keep unit variance, norms (`…weight` with one dimension) lie within 0.25 of one, biases within
 * 0.1 of zero.
 *
 * @param name - The tensor's name in the checkpoint; seeds it.
 * @param shape - `[out, in]`, `[out, in, kh, kw]` or `[n]`.
 */
export function seededWeight(name: string, shape: readonly number[]): SeededFill {
  if (shape.length > 1) return fillOf(name, 0, Math.sqrt(3 / shape.slice(1).reduce((a, b) => a * b, 1)));
  return name.endsWith('weight') ? fillOf(name, 1, 0.25) : fillOf(name, 0, 0.1);
}

/** Like {@link seededWeight}, for what is not a weight: unit variance whatever the shape. */
export function seededInput(name: string): SeededFill {
  return fillOf(name, 0, Math.sqrt(3));
}

function fillOf(name: string, shift: number, scale: number): SeededFill {
  const values = halfTable(shift, Math.fround(scale));
  const seed = nameHash(name);
  return (out, first) => {
    for (let i = 0; i < out.length; i++) {
      // Two rounds of an integer hash with full avalanche ("lowbias32", Chris Wellons, public domain), of which the top
      // 12 bits are taken.
      let x = Math.imul(first + i, 0x9e3779b1) ^ seed;
      x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
      x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
      out[i] = values[x >>> 20]!;
    }
  };
}

/** The half float of every level. A level times an f32 is exact in f64, so f32 and f16 are each rounded to once. */
function halfTable(shift: number, scale: number): Uint16Array {
  return Uint16Array.from({ length: levels }, (_, k) =>
    toHalfBits(Math.fround(shift + (scale * (2 * k + 1 - levels)) / levels)),
  );
}

/** FNV-1a, 32 bits, over the name's UTF-8. */
function nameHash(name: string): number {
  return new TextEncoder().encode(name).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5 | 0);
}
