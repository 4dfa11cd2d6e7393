import type { ModelSource, ReadOptions } from '@pleinair/weights';

/** Layers of no more weights than this are left alone, as published for SDXL. */
const published = 1e5;

/**
 * From how many weights on a layer counts as worth palettizing: as asked, else as the model's makers say in
 * `pleinair.json` (`palettize.min_weights`; a small model has small layers), else as published.
 */
export async function leastWeights(
  asked: number | undefined,
  source: ModelSource | undefined,
  options: ReadOptions = {},
): Promise<number> {
  if (asked !== undefined) return asked;
  if (!source || !(await source.exists('pleinair.json', options))) return published;
  const json = (await source.readJson('pleinair.json', options)) as { palettize?: { min_weights?: unknown } } | null;
  const own = json?.palettize?.min_weights;
  return typeof own === 'number' ? own : published;
}
