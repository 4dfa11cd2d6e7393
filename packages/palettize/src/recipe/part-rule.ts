import type { PaletteBits } from '@pleinair/tensor';
import { isPaletteBits, type StoredPaletteForm } from '@pleinair/weights';
import type { LayerBits } from '../bits.js';
import type { Calibration } from '../calibrate/calibration.js';
import { averageBits } from './average-bits.js';
import { candidatesOf, type CandidateOptions, type TensorInfo } from './candidates.js';
import type { Recipe } from './recipe-file.js';
import { resolveRecipe } from './resolve.js';

/** What is done to a part. */
export type PartRule =
  /** Every candidate gets so many bits. */
  | { readonly bits: PaletteBits; readonly group?: number }
  /** The layers of a recipe get its bits; `name` is for messages. */
  | {
      readonly recipe: Recipe;
      readonly name?: string;
      readonly group?: number;
      /** Reads the calibration that the recipe was measured with, when it is applied; absent for one measured without. */
      readonly calibration?: () => Promise<Calibration>;
    };

/** What a rule makes of a part. */
export interface RuledPart {
  /** How each tensor that is to be palettized will be stored, by its name; a `PaletteLookup` of a graph reads from it. */
  readonly forms: ReadonlyMap<string, StoredPaletteForm>;
  /** Bits of indices and palettes, and 16 for each weight left alone, over the candidates' weights. */
  readonly averageBits: number;
}

/**
 * Applies a rule to the tensors of a part: which of them are palettized, and what that comes to. Reads no weights.
 *
 * @param part - Its name, for messages.
 * @param tensors - The part's, e.g. `Component.entries`.
 * @throws What {@link resolveRecipe} throws.
 */
export function applyRule(
  part: string,
  rule: PartRule,
  tensors: Iterable<TensorInfo>,
  options: CandidateOptions = {},
): RuledPart {
  const all = [...tensors];
  const candidates = candidatesOf(all, options);
  const chosen =
    'recipe' in rule
      ? resolveRecipe(rule.name ?? `recipe of ${part}`, rule.recipe, all)
      : candidates.map((candidate) => ({ candidate, bits: rule.bits }));
  const group = rule.group ?? 0;
  const forms = new Map(
    chosen.flatMap(({ candidate, bits }): [string, StoredPaletteForm][] =>
      isPaletteBits(bits) ? [[candidate.tensor, { shape: candidate.shape, bits, group }]] : [],
    ),
  );
  const bitsOf = new Map<string, LayerBits>(chosen.map(({ candidate, bits }) => [candidate.layer, bits]));
  return { forms, averageBits: averageBits(candidates, (layer) => bitsOf.get(layer), group) };
}
