import { expectThat } from '../shader/shape-checks.js';
import type { RowRange } from '../product/parts.js';

/** Sizes of a convolution, all in pixels. */
export interface ConvGeometry {
  readonly batch: number;
  /** Height and width as stored. */
  readonly storedHeight: number;
  readonly storedWidth: number;
  /** Height and width that the kernel slides over: twice the stored ones when upsampled, less a crop. */
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** Zeros before the first row and column. */
  readonly pad: number;
  readonly upsample: 1 | 2;
}

/** What decides a convolution's geometry. */
export interface ConvOptions {
  readonly kernel: number;
  readonly stride?: 1 | 2;
  readonly padding?: 'same' | 'asymmetric';
  readonly upsample?: 2;
  readonly cropTo?: readonly [height: number, width: number];
}

/**
 * Output size and padding of a convolution over `[B, H, W, C]`. `same` pads `(k − 1) / 2` on every side, as torch's
 * `padding=1` for 3×3; `asymmetric` pads one row below and one column to the right, as diffusers' VAE downsampling does.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function convGeometry(where: string, shape: readonly number[], options: ConvOptions): ConvGeometry {
  const { kernel, stride = 1, padding = 'same', upsample = 1, cropTo } = options;
  expectThat(
    where,
    shape.length === 4,
    `an input [batch, height, width, channels], got [${shape.join(', ')}]. Reshape it.`,
  );
  if (kernel !== 1 && kernel !== 3) {
    expectThat(where, false, `a kernel of 1×1 or 3×3, got ${kernel}×${kernel}. Other sizes have no kernel here.`);
  }
  const [batch, storedHeight, storedWidth] = shape as [number, number, number, number];
  const [height, width] = cropTo ?? ([storedHeight * upsample, storedWidth * upsample] as const);
  expectThat(
    where,
    [storedHeight * upsample - height, storedWidth * upsample - width].every((cut) => cut >= 0 && cut < upsample),
    `a crop of the enlarged ${storedHeight * upsample}×${storedWidth * upsample} by less than ${upsample}, got ${height}×${width}. Crop to the size that was halved.`,
  );
  const pad = padding === 'same' ? (kernel - 1) / 2 : 0;
  const total = padding === 'same' ? 2 * pad : kernel === 3 ? 1 : 0;
  const outHeight = Math.floor((height + total - kernel) / stride) + 1;
  const outWidth = Math.floor((width + total - kernel) / stride) + 1;
  expectThat(
    where,
    batch === 0 || (outHeight > 0 && outWidth > 0),
    `a picture of at least ${kernel - total}×${kernel - total}, got ${height}×${width}. Use a larger picture.`,
  );
  return {
    batch,
    storedHeight,
    storedWidth,
    height,
    width,
    outHeight,
    outWidth,
    kernel: kernel as 1 | 3,
    stride,
    pad,
    upsample,
  };
}

/** Stored input rows (pixels) that a band of output rows (pixels, whole lines) reads. */
export function inputRows(geometry: ConvGeometry, band: RowRange): RowRange {
  const { storedHeight, storedWidth, height, outHeight, outWidth, kernel, stride, pad, upsample } = geometry;
  const firstLine = Math.floor(band.first / outWidth);
  const lastLine = Math.ceil(band.end / outWidth) - 1;
  const storedLine = (line: number, tap: number): number => {
    const y = (line % outHeight) * stride - pad + tap;
    const clamped = Math.min(height - 1, Math.max(0, y));
    return Math.floor(line / outHeight) * storedHeight + Math.floor(clamped / upsample);
  };
  return {
    first: storedLine(firstLine, 0) * storedWidth,
    end: (storedLine(lastLine, kernel - 1) + 1) * storedWidth,
  };
}
