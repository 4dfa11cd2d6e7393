import type { Calibration, LayerBits, PartRule, Recipe } from '@pleinair/palettize';
import { isPaletteBits } from '@pleinair/weights';

/** The parts that are palettized when nothing else is said, by folder: an autoencoder keeps its weights. */
export const palettizableParts: readonly string[] = ['text_encoder', 'text_encoder_2', 'unet'];

/** What is to be done to parts, by folder. */
export type PaletteRules = Readonly<Record<string, PartRule>>;

/**
 * One width for every part that is palettized usually.
 *
 * @param bits - 16 palettizes nothing.
 * @param folders - Of the model's parts.
 */
export function widthRules(bits: LayerBits, folders: Iterable<string>): PaletteRules {
  if (!isPaletteBits(bits)) return {};
  const rules = [...folders].filter((folder) => palettizableParts.includes(folder)).map((folder) => [folder, { bits }]);
  return Object.fromEntries(rules) as PaletteRules;
}

/** How {@link recipeRules} reads a recipe. */
export interface RecipeRuleOptions {
  /** The recipe's name, for messages. */
  readonly name: string;
  /** The parts that a recipe may speak of, by folder. */
  readonly parts: readonly string[];
  /** Layers of all other parts are passed over. */
  readonly only?: readonly string[];
  /** Whose layers those are that name no part. */
  readonly unnamed: () => string;
  /** Reads the calibration that the recipe was measured with. */
  readonly calibration?: () => Promise<Calibration>;
}

/**
 * A recipe's layers by part. Layers may begin with a part's name and a dot (`text_encoder_2.text_model.…`); those that do not
 * are of one part.
 *
 * @throws What `unnamed` throws.
 */
export function recipeRules(
  recipe: Recipe,
  { name, parts, only, unnamed, calibration }: RecipeRuleOptions,
): PaletteRules {
  const layersOf = new Map<string, [string, LayerBits][]>();
  for (const [layer, bits] of Object.entries(recipe)) {
    const named = parts.find((part) => layer.startsWith(`${part}.`));
    const part = named ?? unnamed();
    if (named !== undefined && only && !only.includes(named)) continue;
    const layers = layersOf.get(part) ?? [];
    layers.push([named === undefined ? layer : layer.slice(named.length + 1), bits]);
    layersOf.set(part, layers);
  }
  return Object.fromEntries(
    [...layersOf].map(([part, layers]) => [
      part,
      { recipe: Object.fromEntries(layers), name: `${name}, for ${part}`, calibration },
    ]),
  );
}
