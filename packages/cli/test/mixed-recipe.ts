import { readFile } from 'node:fs/promises';
import { averageBits, candidatesOf, formatRecipeFile, type LayerBits, type Recipe } from '@pleinair/palettize';

type Names = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** Names and shapes of the official SDXL base checkpoint, by part. */
export async function sdxlNames(): Promise<Names> {
  const path = new URL('../../testing/goldens/sdxl-base-names.json', import.meta.url);
  return JSON.parse(await readFile(path, 'utf8')) as Names;
}

/**
 * A recipe of many widths for SDXL base's UNet with the average asked for: layer by layer the narrow ones take turns, and
 * a wide one comes whenever the average so far has fallen below the target.
 */
export async function mixedRecipe(average: number): Promise<{ recipe: Recipe; averageBits: number }> {
  const { unet } = await sdxlNames();
  const candidates = candidatesOf(Object.entries(unet!).map(([name, shape]) => ({ name, shape, dtype: 'F16' })));
  const narrow: readonly LayerBits[] = [4, 3, 2, 4, 1];
  const wide: readonly LayerBits[] = [6, 8];
  const recipe: Record<string, LayerBits> = {};
  let [bits, weights] = [0, 0];
  for (const [i, candidate] of candidates.entries()) {
    const widths = bits < average * weights ? wide : narrow;
    const width = widths[i % widths.length]!;
    recipe[candidate.layer] = width;
    bits += width * candidate.weights;
    weights += candidate.weights;
  }
  return { recipe, averageBits: averageBits(candidates, (layer) => recipe[layer]) };
}

/** The text of a recipe file. */
export function recipeText(recipes: Readonly<Record<string, Recipe>>): string {
  return formatRecipeFile({ model_version: 'test', baselines: {}, recipes, single_layer: {}, cumulative: {} });
}
