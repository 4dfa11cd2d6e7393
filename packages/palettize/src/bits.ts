import { RecipeError } from './errors.js';

/** Bits of an index into a palette. */
export type PaletteBits = 1 | 2 | 3 | 4 | 6 | 8;

/** Bits a layer of a recipe may have: a palette's, or 16 for a layer left as it is. */
export type LayerBits = PaletteBits | 16;

/** Every width there is, narrowest first. */
export const paletteBits: readonly PaletteBits[] = [1, 2, 3, 4, 6, 8];

/** True for a width that palettes come in. */
export function isPaletteBits(bits: unknown): bits is PaletteBits {
  return paletteBits.some((width) => width === bits);
}

/** Entries of a palette: 2^bits. */
export function paletteSize(bits: PaletteBits): number {
  return 2 ** bits;
}

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
