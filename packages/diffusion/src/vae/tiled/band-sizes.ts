import { vaeFactor, type VaeConfig } from '../config.js';

/** How a picture is cut for work in bands. */
export interface BandSizes {
  /** Rows of a band at the picture's size; a multiple of 2^(levels − 2), of twice that by default. */
  readonly rows: number;
  /** Every how many pixels, in each direction, one is in the small copy that statistics are guessed from. */
  readonly every: number;
}

/** Bytes that one tensor of a band at the finest level may take: large enough to keep a GPU busy. */
const bandTensorBytes = 6.3e6;

/**
 * Bytes of scratch that a band's layers may take even where that raises the peak: Winograd's transformed tiles. Without, a
 * decode of 1024² in f32 would be 64 MB small and take 3.2 times a whole one's work on a software adapter.
 */
export const bandScratchBytes = 12e6;

/** Fewer bands than this save too little beside what they hand on. */
const fewestBands = 6;

/** Latent pixels along the longer side of the small copy, where its tensors fit: more cost time, fewer statistics. */
const copySide = 24;

/** Bytes that one tensor of the small copy at the finest level may take. */
const copyTensorBytes = 12.6e6;

/** Rows that a 3×3 convolution keeps of the band before: a band must have as many at every level. */
export const leastLevelRows = 2;

/** Rows at the picture's size by which the decoder's last layer lags behind its first. */
export function decoderLag({ channels, layersPerBlock }: VaeConfig): number {
  let lag = 0;
  for (let level = 1; level < channels.length; level++) {
    if (level > 1) lag = 2 * lag + 1;
    lag += 2 * (layersPerBlock + 1);
  }
  return lag + 1;
}

/**
 * Sizes for a picture of latents `[h, w]`: bands as high as a few megabytes a tensor allow, all of one height, with as
 * little as can be left over at the end.
 *
 * @param bytesPerElement - Of activations: 2 or 4.
 */
export function bandSizes(config: VaeConfig, height: number, width: number, bytesPerElement: number): BandSizes {
  // Even rows at the coarsest level in bands, though whole ones would do: Winograd's tiles waste less, and leave scratch room.
  const unit = 2 ** Math.max(1, config.channels.length - 1);
  const rowBytes = width * vaeFactor(config) * config.channels[0]! * bytesPerElement;
  const all = height * vaeFactor(config) + decoderLag(config);
  const most = Math.max(unit, Math.floor(bandTensorBytes / rowBytes / unit) * unit);
  const rows = rowsOfBands(all, rowBytes, { unit, least: leastLevelRows / 2, most });
  const finestBytes = vaeFactor(config) ** 2 * config.channels[0]! * bytesPerElement;
  let every = Math.max(2, Math.ceil(Math.max(height, width) / copySide));
  while (Math.ceil(height / every) * Math.ceil(width / every) * finestBytes > copyTensorBytes) every++;
  return { rows, every };
}

/**
 * Rows of bands, all of one height, that make `all` rows at the finest level between them.
 *
 * @param rowBytes - Bytes of one row at the finest level.
 * @param cut.unit - Rows of a band are a multiple of this.
 * @param cut.least - And at least so many times that.
 * @param cut.most - At most so many rows; by default what some megabytes hold, rounded up.
 */
export function rowsOfBands(
  all: number,
  rowBytes: number,
  cut: { readonly unit: number; readonly least: number; readonly most?: number },
): number {
  const bands = Math.max(fewestBands, Math.ceil(all / (cut.most ?? bandTensorBytes / rowBytes)));
  return Math.max(cut.least, Math.ceil(all / bands / cut.unit)) * cut.unit;
}
