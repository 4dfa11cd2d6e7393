import { paletteBlockRows, paletteBlocks, paletteGroups, type PaletteForm } from '@pleinair/tensor';
import { elementCount } from '../safetensors-dtype.js';
import { isPaletteBits, paletteSize } from './bits.js';

/** A palettized tensor as files describe it. */
export interface StoredPaletteForm extends PaletteForm {
  /** The tensor's own shape, as in the checkpoint: `[N, K]` or `[N, C, kh, kw]`. */
  readonly shape: readonly number[];
  /** As everywhere, but files always say it: 0 where one palette serves all. */
  readonly group: number;
}

/** Weights of one output channel: K, or C·kh·kw. */
export function columnsOf(shape: readonly number[]): number {
  return elementCount(shape.slice(1));
}

/** Kernel positions, kh·kw; 1 for a linear layer. */
export function tapsOf(shape: readonly number[]): number {
  return elementCount(shape.slice(2));
}

/** Shape of the packed indices: `[ceil(N/32), columns, 4·bits]` bytes. */
export function indexShape({ shape, bits }: StoredPaletteForm): [number, number, number] {
  return [paletteBlocks(shape[0]!), columnsOf(shape), (paletteBlockRows / 8) * bits];
}

/** Bits that indices and palettes take in a file, padding included. */
export function storedBits(form: StoredPaletteForm): number {
  return 8 * elementCount(indexShape(form)) + 16 * paletteGroups(form, form.shape[0]!) * paletteSize(form.bits);
}

/** True for shapes that can be palettized: `[N, K]` and `[N, C, kh, kw]` with nothing empty. */
export function isPalettizableShape(shape: readonly number[]): boolean {
  return (shape.length === 2 || shape.length === 4) && shape.every((size) => Number.isSafeInteger(size) && size > 0);
}

/** True for numbers of outputs that may share a palette. */
export function isGroup(group: unknown): group is number {
  return Number.isSafeInteger(group) && (group as number) >= 0 && (group as number) % 4 === 0;
}

/** True for what can be a {@link StoredPaletteForm}. */
export function isStoredPaletteForm(value: unknown): value is StoredPaletteForm {
  if (typeof value !== 'object' || value === null) return false;
  const { shape, bits, group } = value as Record<string, unknown>;
  return Array.isArray(shape) && isPalettizableShape(shape as number[]) && isPaletteBits(bits) && isGroup(group);
}
