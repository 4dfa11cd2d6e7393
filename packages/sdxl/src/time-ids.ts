/** SDXL's size conditioning, in pixels. All default to the picture's own size and no crop. */
export interface MicroConditioning {
  readonly originalSize?: readonly [height: number, width: number];
  readonly cropTopLeft?: readonly [top: number, left: number];
  readonly targetSize?: readonly [height: number, width: number];
}

/** The six numbers SDXL base is conditioned on, in diffusers' order: original size, crop corner, target size. */
export function timeIds(height: number, width: number, conditioning: MicroConditioning = {}): Float32Array {
  const size = [height, width] as const;
  const { originalSize = size, cropTopLeft = [0, 0] as const, targetSize = size } = conditioning;
  return Float32Array.from([...originalSize, ...cropTopLeft, ...targetSize]);
}
