import type { CopySize } from '@pleinair/kernels';
import { vaeFactor, type VaeConfig } from '../config.js';
import { leastLevelRows, rowsOfBands } from './band-sizes.js';

/** How a picture is cut to be encoded in bands. */
export interface EncoderSizes {
  /** Rows of a band at the picture's size; a multiple of 2^(levels − 1). */
  readonly rows: number;
  /** The small copy that statistics are guessed from: pixels spread evenly, multiples of 2^(levels − 1). */
  readonly copy: CopySize;
}

/** Pixels along the longer side of the small copy, where its tensors fit: more cost time, fewer statistics. */
const copySide = 192;

/** Bytes that one tensor of the small copy at the finest level may take. */
const copyTensorBytes = 12.6e6;

/** Rows at the latents' size by which the last downsampler lags behind the first convolution. */
export function encoderLag({ channels, layersPerBlock }: VaeConfig): number {
  let lag = 0;
  for (let level = 0; level < channels.length - 1; level++) lag = Math.ceil((lag + 2 * layersPerBlock + 1) / 2);
  return lag;
}

/**
 * Sizes for a picture that gives latents `[h, w]`, chosen as `bandSizes` does.
 *
 * @param bytesPerElement - Of activations: 2 or 4.
 */
export function encoderSizes(config: VaeConfig, height: number, width: number, bytesPerElement: number): EncoderSizes {
  const factor = vaeFactor(config);
  const pixelBytes = config.channels[0]! * bytesPerElement;
  const all = (height + encoderLag(config)) * factor;
  const rows = rowsOfBands(all, width * factor * pixelBytes, { unit: factor, least: leastLevelRows / 2 });
  const copyAt = (scale: number): CopySize => {
    const [down, across] = [height, width].map((latents) => Math.max(1, Math.round(latents * scale)) * factor);
    return { height: down!, width: across! };
  };
  let longer = Math.min(Math.max(height, width), Math.floor(copySide / factor));
  let copy = copyAt(longer / Math.max(height, width));
  while (longer > 1 && copy.height * copy.width * pixelBytes > copyTensorBytes) {
    copy = copyAt(--longer / Math.max(height, width));
  }
  return { rows, copy };
}
