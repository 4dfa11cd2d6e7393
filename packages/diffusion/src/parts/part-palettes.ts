import type { PaletteLookup } from '@pleinair/tensor';
import { componentPalettes } from '@pleinair/weights';
import type { Part } from './part.js';

/** The palettized tensors of each part of a pipeline; undefined for parts that have none. */
export type PartPalettes<Name extends string = string> = (part: Name) => PaletteLookup | undefined;

/**
 * Reads which tensors of a pipeline's parts are palettized. Graphs are recorded with it, because it decides what kernels
 * read and how much memory weights take. Reads headers only.
 *
 * @throws What `openComponent` throws; `PaletteError` with a code of its table.
 */
export async function readPartPalettes<Name extends string>(
  parts: readonly Part<Name>[],
  signal?: AbortSignal,
): Promise<PartPalettes<Name>> {
  const found = await Promise.all(
    parts.map(async (part): Promise<[Name, PaletteLookup]> => [part.name, componentPalettes(await part.open(signal))]),
  );
  const lookups = new Map(found);
  return (part) => lookups.get(part);
}
