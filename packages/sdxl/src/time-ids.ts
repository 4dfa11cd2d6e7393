import type { MicroConditioning } from '@pleinair/diffusion';

/** The six numbers SDXL base is conditioned on, in diffusers' order: original size, crop corner, target size. */
export function timeIds(height: number, width: number, conditioning: MicroConditioning = {}): Float32Array {
  const size = [height, width] as const;
  const { originalSize = size, cropTopLeft = [0, 0] as const, targetSize = size } = conditioning;
  return Float32Array.from([...originalSize, ...cropTopLeft, ...targetSize]);
}

/** The same for the unconditional half of guidance: what it is not told of its own is as the conditional half is told. */
export function negativeTimeIds(height: number, width: number, conditioning: MicroConditioning = {}): Float32Array {
  return timeIds(height, width, {
    originalSize: conditioning.negativeOriginalSize ?? conditioning.originalSize,
    cropTopLeft: conditioning.negativeCropTopLeft ?? conditioning.cropTopLeft,
    targetSize: conditioning.negativeTargetSize ?? conditioning.targetSize,
  });
}

/** The five numbers the refiner is conditioned on: original size, crop corner, and how good the picture is to look. */
export function refinerTimeIds(
  height: number,
  width: number,
  conditioning: MicroConditioning,
  negative: boolean,
): Float32Array {
  const { aestheticScore = 6, negativeAestheticScore = 2.5 } = conditioning;
  const sizes = (negative ? negativeTimeIds : timeIds)(height, width, conditioning);
  return Float32Array.from([...sizes.subarray(0, 4), negative ? negativeAestheticScore : aestheticScore]);
}
