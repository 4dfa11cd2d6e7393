import type { Program } from '@pleinair/tensor';
import { concat } from './concat.js';
import { guidanceHalves, type GuidanceShape } from './denoiser-graph.js';

/** One text as a UNet is told it. */
export interface TextConditioning {
  /** f32 `[77 · chunks, crossAttentionDim]`. */
  readonly states: Float32Array<ArrayBuffer>;
  /** f32 `[projection]`, from the first chunk; only where the UNet takes pooled text (SDXL). */
  readonly pooled?: Float32Array<ArrayBuffer>;
  /** SDXL's size numbers for this text; those of the run where absent. */
  readonly timeIds?: Float32Array;
}

/** What the two halves of a guided pair are told. */
export interface Conditioning {
  readonly conditional: TextConditioning;
  /** Absent without guidance. */
  readonly unconditional?: TextConditioning;
}

/**
 * Writes what depends on the prompt only, for every guidance half, in the order unconditional, conditional.
 *
 * @param texts - Of all pictures, or one for each.
 * @param timeIds - SDXL's size numbers, for texts without their own; absent for UNets without them.
 */
export function writeConditioning(
  program: Program,
  shape: GuidanceShape,
  texts: Conditioning | readonly Conditioning[],
  timeIds?: Float32Array,
): void {
  const { pictures, guided } = shape;
  const each = isList(texts) ? texts : Array.from({ length: pictures }, () => texts);
  const conditional = each.map((one) => one.conditional);
  const inOrder = guided ? [each.map((one) => one.unconditional!), conditional] : [conditional];
  const halves = guidanceHalves(shape);
  halves.forEach(({ suffix }, i) => {
    const rows = halves.length > 1 ? inOrder[i]! : inOrder.flat();
    program.write(`encoder_hidden_states${suffix}`, concat(rows.map(({ states }) => states)));
    if (!rows.every(({ pooled }) => pooled)) return;
    program.write(`text_embeds${suffix}`, concat(rows.map(({ pooled }) => pooled!)));
    program.write(`time_ids${suffix}`, concat(rows.map((row) => row.timeIds ?? timeIds!)));
  });
}

function isList(texts: Conditioning | readonly Conditioning[]): texts is readonly Conditioning[] {
  return Array.isArray(texts);
}
