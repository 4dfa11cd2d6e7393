import type { PaletteBits } from '@pleinair/tensor';

/** Every width that palettes come in, narrowest first. */
export const paletteBits: readonly PaletteBits[] = [1, 2, 3, 4, 6, 8];

/** True for a width that palettes come in. */
export function isPaletteBits(bits: unknown): bits is PaletteBits {
  return paletteBits.some((width) => width === bits);
}

/** Entries of a palette: 2^bits. */
export function paletteSize(bits: PaletteBits): number {
  return 2 ** bits;
}
