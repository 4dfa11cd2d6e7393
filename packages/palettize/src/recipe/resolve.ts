import { checkLayerBits, type LayerBits } from '../bits.js';
import { RecipeError } from '../errors.js';
import { candidatesOf, layerName, type Candidate, type TensorInfo } from './candidates.js';
import { nearestNames } from '@pleinair/weights';
import type { Recipe } from './recipe-file.js';

/** Unknown layers that a message tells nearest names of, and how many of those. */
const toldUnknown = 4;
const toldNearest = 3;

/**
 * Finds the layers of a recipe in a part. Names stand with or without `.weight`; layers below the analysis's least size
 * may be named as well.
 *
 * @param where - The recipe, for messages.
 * @param tensors - The part's.
 * @returns The layers named, in the part's order, those of 16 bits included.
 * @throws `RecipeError` `recipe/unknown-layer`, `recipe/unsupported-bits`, or `recipe/invalid` for a layer named twice
 * with different bits.
 */
export function resolveRecipe(
  where: string,
  recipe: Recipe,
  tensors: Iterable<TensorInfo>,
): { candidate: Candidate; bits: LayerBits }[] {
  const candidates = candidatesOf(tensors, { minWeights: 0 });
  const wanted = new Map<string, LayerBits>();
  for (const [name, value] of Object.entries(recipe)) {
    const bits = checkLayerBits(`${where}: ${name}`, value);
    const layer = layerName(name);
    if ((wanted.get(layer) ?? bits) !== bits) {
      throw new RecipeError('recipe/invalid', `${where}: expected ${layer} once, got it with two widths. Remove one.`);
    }
    wanted.set(layer, bits);
  }
  const known = new Set(candidates.map(({ layer }) => layer));
  const unknown = [...wanted.keys()].filter((layer) => !known.has(layer));
  if (unknown.length > 0) throw unknownLayers(where, unknown, known);
  return candidates.flatMap((candidate) => {
    const bits = wanted.get(candidate.layer);
    return bits === undefined ? [] : [{ candidate, bits }];
  });
}

function unknownLayers(where: string, unknown: readonly string[], known: ReadonlySet<string>): RecipeError {
  const told = unknown.slice(0, toldUnknown).map((layer) => {
    const nearest = nearestNames(layer, known, toldNearest);
    return nearest.length > 0 ? `${layer} (nearest: ${nearest.join(', ')})` : layer;
  });
  const rest = unknown.length - told.length;
  return new RecipeError(
    'recipe/unknown-layer',
    `${where}: expected layers among the ${known.size} that can be palettized, got ${told.join('; ')}` +
      `${rest > 0 ? `; and ${rest} more` : ''}. Check that the recipe is of this model and part.`,
  );
}
