/** Something is wrong with a picture, though the run went through. */
export interface PictureWarning {
  readonly code: 'latents/not-finite' | 'latents/overflow' | 'picture/one-colour';
  /** Which picture, from 0. */
  readonly picture: number;
  /** What was seen and what to do. */
  readonly message: string;
}

/**
 * Beyond this no model's final latents go: they have about unit variance. Where half floats overflow, values end near
 * 65504 (stores clamp to it) or, through guidance and solver, at multiples of it.
 */
const plausible = 1000;

/**
 * Looks at final latents, which are on the host anyway.
 *
 * @param precision - What the run stored activations in.
 */
export function latentsWarning(
  latents: Float32Array,
  picture: number,
  precision: 'f16' | 'f32',
): PictureWarning | undefined {
  let largest = 0;
  for (const value of latents) {
    const size = Math.abs(value);
    if (!(size <= largest)) largest = size; // NaN stays, as nothing is greater or less
    if (!Number.isFinite(largest)) break;
  }
  if (largest <= plausible) return undefined;
  const finite = Number.isFinite(largest);
  const cure =
    precision === 'f16'
      ? 'Half floats have overflowed in the UNet: use precision f32.'
      : 'Check that the weights are whole, and try less guidance.';
  return {
    code: finite ? 'latents/overflow' : 'latents/not-finite',
    picture,
    message:
      `picture ${picture + 1}: expected latents of about unit size, got ` +
      `${finite ? largest.toPrecision(3) : String(largest)}. ${cure}`,
  };
}

/** Looks at decoded pixels: one colour throughout, mostly black, is what a decoder that overflows gives. */
export function pictureWarning(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  picture: number,
  precision: 'f16' | 'f32',
): PictureWarning | undefined {
  const pixels = new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4);
  if (pixels.length < 2 || pixels.some((pixel) => pixel !== pixels[0])) return undefined;
  const cure =
    precision === 'f16'
      ? 'If the latents are sound, the VAE has overflowed half floats: use precision f32, or a VAE made for them ' +
        '(sdxl-vae-fp16-fix), or set "force_upcast" in vae/config.json.'
      : 'Check that the weights are whole.';
  const colour = [...rgba.subarray(0, 3)].join(', ');
  return {
    code: 'picture/one-colour',
    picture,
    message: `picture ${picture + 1}: expected a picture, got one colour throughout (${colour}). ${cure}`,
  };
}
