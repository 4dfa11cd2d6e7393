import type { SizePreset } from './studio-model.js';

type Sizes = readonly [SizePreset, ...SizePreset[]];

const size = (label: string, width: number, height: number): SizePreset => ({ label, width, height });

/** Sizes of about 1024², which SDXL was trained at (the appendix of its paper lists them). */
export const sdxlSizes: Sizes = [
  size('Square', 1024, 1024),
  size('Portrait 3:4', 896, 1152),
  size('Portrait 2:3', 832, 1216),
  size('Tall 9:16', 768, 1344),
  size('Landscape 4:3', 1152, 896),
  size('Landscape 3:2', 1216, 832),
  size('Wide 16:9', 1344, 768),
  size('Small square', 768, 768),
];

/** Sizes of about 512², for Stable Diffusion 1.x. */
export const sd1Sizes: Sizes = [
  size('Square', 512, 512),
  size('Portrait 2:3', 512, 768),
  size('Landscape 3:2', 768, 512),
  size('Portrait 3:4', 512, 680),
  size('Landscape 4:3', 680, 512),
];

/** Sizes of about 768², for Stable Diffusion 2.x. */
export const sd2Sizes: Sizes = [
  size('Square', 768, 768),
  size('Portrait 3:4', 672, 896),
  size('Landscape 4:3', 896, 672),
];

/** The demo model knows pictures of 128²; larger ones repeat their scene. */
export const demoSizes: Sizes = [
  size('Square', 128, 128),
  size('Portrait', 96, 128),
  size('Landscape', 128, 96),
  size('Wide', 192, 128),
];

/**
 * Sizes that suit a model, by the size its makers use.
 *
 * @param side - Pixels.
 */
export function sizesFor(side: number): Sizes {
  if (side >= 1024) return sdxlSizes;
  if (side >= 768) return sd2Sizes;
  if (side >= 512) return sd1Sizes;
  return [size('Square', side, side)];
}

/** Of a model's sizes the one whose proportions are nearest to a picture's. */
export function nearestSize(sizes: Sizes, width: number, height: number): SizePreset {
  const off = (preset: SizePreset): number => Math.abs(Math.log((preset.width * height) / (preset.height * width)));
  return sizes.reduce((best, each) => (off(each) < off(best) ? each : best));
}
