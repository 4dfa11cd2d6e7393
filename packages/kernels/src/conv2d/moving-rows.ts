import type { Tensor } from '@pleinair/tensor';
import type { RowRange } from '../product/parts.js';
import type { UniformFields } from '../shader/uniforms.js';
import { inputRows, type ConvGeometry } from './geometry.js';

/** Which rows of a picture a convolution reads and makes where the picture is worked through in bands: known only as it runs. */
export interface MovingRows {
  /** u32 `[1]`: the number of the band. */
  readonly position: Tensor;
  /** The first output row is row `position · outStep − outLag` of the whole output. */
  readonly outStep: number;
  readonly outLag: number;
  /** The first stored input row is row `position · inStep − inOffset` of the whole input, before it is doubled. */
  readonly inStep: number;
  readonly inOffset: number;
}

/** Uniforms of kernels whose rows move. */
export const movingFields = {
  out_step: 'i32',
  out_lag: 'i32',
  in_step: 'i32',
  in_offset: 'i32',
} as const satisfies UniformFields;

/** Their contents. */
export function movingValues({ outStep, outLag, inStep, inOffset }: MovingRows): Record<string, number> {
  return { out_step: outStep, out_lag: outLag, in_step: inStep, in_offset: inOffset };
}

/** WGSL of where a band lies; `position` is bound as words. */
export const movingText = `fn first_output_row() -> i32 { return i32(position[0]) * u.out_step - u.out_lag; }
fn first_stored_row() -> i32 { return i32(position[0]) * u.in_step - u.in_offset; }`;

/** Stored input rows (pixels) that so many output rows (pixels, whole lines) read: all there are where they move. */
export function readRows(geometry: ConvGeometry, moving: MovingRows | undefined, rows: RowRange): RowRange {
  if (moving) return { first: 0, end: geometry.storedHeight * geometry.storedWidth };
  return inputRows(geometry, rows);
}
