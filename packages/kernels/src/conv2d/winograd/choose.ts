import type { LowerContext } from '@pleinair/tensor';
import type { ProductAlternatives } from '../../product/record.js';
import { winogradVariants, type WinogradConv } from './winograd.js';

/** Winograd's algorithm beside the direct kernel: what a convolution may choose from. */
export function winogradAlternatives(conv: WinogradConv, context: LowerContext): ProductAlternatives {
  return { variants: winogradVariants(conv, context) };
}
