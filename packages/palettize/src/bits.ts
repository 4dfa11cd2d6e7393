import type { PaletteBits } from '@pleinair/tensor';
import { isPaletteBits, paletteBits } from '@pleinair/weights';
import { RecipeError } from './errors.js';

/** Bits a layer of a recipe may have: a palette's, or 16 for a layer left as it is. */
export type LayerBits = PaletteBits | 16;

/**
 * A width as asked for by a recipe or a user.
 *
 * @param where - What asks for it, for the message.
 * @throws `RecipeError` `recipe/unsupported-bits`.
 */
export function checkLayerBits(where: string, bits: unknown): LayerBits {
  if (bits === 16 || isPaletteBits(bits)) return bits;
  throw new RecipeError(
    'recipe/unsupported-bits',
    `${where}: expected ${paletteBits.join(', ')} or 16 bits, got ${JSON.stringify(bits)}. Choose one of these.`,
  );
}
