/** A linear map from four latent channels (scaled, as the denoiser holds them) to R, G, B in −1…1. */
export interface LatentToRgb {
  /** A row of four weights for each of R, G, B. */
  readonly weights: readonly (readonly [number, number, number, number])[];
  readonly bias: readonly [number, number, number];
}

/**
 * Stable Diffusion 1.x. Numbers found by Kevin Turner by regression on version 1.4,
 * https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204/2.
 */
export const sd1LatentToRgb: LatentToRgb = {
  weights: [
    [0.298, 0.187, -0.158, -0.184],
    [0.207, 0.286, 0.189, -0.271],
    [0.208, 0.173, 0.264, -0.473],
  ],
  bias: [0, 0, 0],
};

/**
 * SDXL. Numbers found by Timothy Alexis Vass, https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space,
 * where they give 0…255.
 */
export const sdxlLatentToRgb: LatentToRgb = {
  weights: [
    [60 / 127.5, -60 / 127.5, 25 / 127.5, -70 / 127.5],
    [60 / 127.5, -5 / 127.5, 15 / 127.5, -50 / 127.5],
    [60 / 127.5, 10 / 127.5, -5 / 127.5, -35 / 127.5],
  ],
  bias: [150 / 127.5 - 1, 140 / 127.5 - 1, 130 / 127.5 - 1],
};
