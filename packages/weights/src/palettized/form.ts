import type { PaletteBits } from '@pleinair/tensor';
import { elementCount } from '../safetensors-dtype.js';
import { isPaletteBits, paletteSize } from './bits.js';

/** Output channels whose indices lie together, as the engine's products and convolutions keep weights on the GPU. */
export const blockOutputs = 32;

/** How a tensor is palettized. */
export interface PaletteForm {
  /** The tensor's own shape, as in the checkpoint: `[N, K]` or `[N, C, kh, kw]`. */
  readonly shape: readonly number[];
  readonly bits: PaletteBits;
  /** Output channels that share a palette, a multiple of 4; 0 where one palette serves all. */
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

/** Blocks of {@link blockOutputs} outputs, the last one padded. */
export function blockCount(shape: readonly number[]): number {
  return Math.ceil(shape[0]! / blockOutputs);
}

/** Shape of the packed indices: `[ceil(N/32), columns, 4·bits]` bytes. */
export function indexShape({ shape, bits }: PaletteForm): [number, number, number] {
  return [blockCount(shape), columnsOf(shape), (blockOutputs / 8) * bits];
}

/** Palettes of a tensor. */
export function groupCount({ shape, group }: PaletteForm): number {
  return group === 0 ? 1 : Math.ceil(shape[0]! / group);
}

/** Bits that indices and palettes take in a file, padding included. */
export function storedBits(form: PaletteForm): number {
  return 8 * elementCount(indexShape(form)) + 16 * groupCount(form) * paletteSize(form.bits);
}

/** True for shapes that can be palettized: `[N, K]` and `[N, C, kh, kw]` with nothing empty. */
export function isPalettizableShape(shape: readonly number[]): boolean {
  return (shape.length === 2 || shape.length === 4) && shape.every((size) => Number.isSafeInteger(size) && size > 0);
}

/** True for numbers of outputs that may share a palette. */
export function isGroup(group: unknown): group is number {
  return Number.isSafeInteger(group) && (group as number) >= 0 && (group as number) % 4 === 0;
}

/** True for what can be a {@link PaletteForm}. */
export function isPaletteForm(value: unknown): value is PaletteForm {
  if (typeof value !== 'object' || value === null) return false;
  const { shape, bits, group } = value as Record<string, unknown>;
  return Array.isArray(shape) && isPalettizableShape(shape as number[]) && isPaletteBits(bits) && isGroup(group);
}
