import type { Tensor } from '@pleinair/tensor';
import { expectThat } from '../shader/shape-checks.js';

/**
 * Which rows of a picture a tensor `[1, rows, width, channels]` holds while a picture is worked through in bands, from top
 * to bottom: stored row i is row `position · step − offset + i` of the whole picture, which has `height` rows. Rows that
 * come out above or below the picture hold anything, and nobody may look at them. With a step of 0 it is all of a picture
 * (or a fixed part of it), whatever the position.
 */
export interface BandWindow {
  /** u32 `[1]`: the number of the band, from 0; written by the host between runs. */
  readonly position: Tensor;
  readonly step: number;
  readonly offset: number;
  /** Rows of the whole picture. */
  readonly height: number;
  /** Stored rows in front that belong to the band before. */
  readonly keep: number;
}

/** A tensor and the rows of the picture that it holds. */
export interface BandTensor {
  readonly tensor: Tensor;
  readonly window: BandWindow;
}

/** A whole picture `[1, height, width, channels]` as a band. */
export function wholePicture(tensor: Tensor, position: Tensor): BandTensor {
  return { tensor, window: { position, step: 0, offset: 0, height: tensor.shape[1]!, keep: 0 } };
}

/**
 * Throws unless a tensor can be a band of one picture.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function expectBand(where: string, { tensor, window }: BandTensor): void {
  expectThat(
    where,
    tensor.shape.length === 4 && tensor.shape[0] === 1,
    `a band [1, rows, width, channels], got [${tensor.shape.join(', ')}]. Bands are of one picture.`,
  );
  expectThat(
    where,
    tensor.shape[1]! >= window.keep && window.keep >= 0,
    `a band of at least ${window.keep} rows, got ${tensor.shape[1]}. Make bands higher.`,
  );
}
