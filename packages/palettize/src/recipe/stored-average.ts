import { elementCount, palettizedEntries, storedBits, type Component } from '@pleinair/weights';
import { candidatesOf, type CandidateOptions } from './candidates.js';

/**
 * Average bits of a part as it lies in its files: those of its palettized tensors, and 16 for each weight of the other
 * candidates, over the weights of both. Reads nothing but headers.
 *
 * @returns Undefined for a part of which nothing is palettized.
 * @throws `PaletteError` with a code of its table.
 */
export function storedAverageBits(component: Component, options: CandidateOptions = {}): number | undefined {
  const palettized = [...palettizedEntries(component).values()];
  if (palettized.length === 0) return undefined;
  let bits = palettized.reduce((sum, entry) => sum + storedBits(entry), 0);
  let weights = palettized.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  for (const left of candidatesOf(component.entries.values(), options)) {
    bits += 16 * left.weights;
    weights += left.weights;
  }
  return bits / weights;
}
