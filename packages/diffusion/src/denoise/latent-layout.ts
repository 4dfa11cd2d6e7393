/** Latents are `[channels, h, w]` in torch's order on the host and `[h, w, channels]` on the GPU. */

/** `[c, h, w]` → `[h, w, c]`. */
export function toChannelsLast(values: Float32Array, channels: number): Float32Array<ArrayBuffer> {
  const pixels = values.length / channels;
  const out = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) out[p * channels + c] = values[c * pixels + p]!;
  }
  return out;
}

/** `[h, w, c]` → `[c, h, w]`. */
export function toChannelsFirst(values: Float32Array, channels: number): Float32Array<ArrayBuffer> {
  const pixels = values.length / channels;
  const out = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) out[c * pixels + p] = values[p * channels + c]!;
  }
  return out;
}
