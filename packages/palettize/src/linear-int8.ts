import { PalettizeError } from './errors.js';

/** How {@link linearInt8} shares out scales. */
export interface LinearInt8Scheme {
  /**
   * What has a scale of its own: each index of the last axis (a linear layer's input channels, a kernel's columns), as in
   * the published baseline, or each output channel.
   */
  readonly per: 'last-axis' | 'output-channel';
  /** Symmetric: codes −127 to 127 about zero. Asymmetric: −128 to 127 with a zero point. */
  readonly range: 'asymmetric' | 'symmetric';
}

/** The published baseline (facts: apple/ml-stable-diffusion, coremltools' `LINEAR` mode, `axis=-1`). */
export const publishedLinearInt8: LinearInt8Scheme = { per: 'last-axis', range: 'asymmetric' };

/** The same with a scale for each output channel, as engines that compute in int8 have it: a harder baseline. */
export const perChannelLinearInt8: LinearInt8Scheme = { per: 'output-channel', range: 'asymmetric' };

/**
 * Weights as they are after linear int8 quantization and back: the baseline that palettes are held against. Codes are
 * rounded half to even, as numpy does; the range of an asymmetric scale holds zero; scales are stored in f32. A slice of
 * zeros stays zeros.
 *
 * @param values - `[…shape]`, finite.
 * @param shape - Any number of axes, the first being output channels.
 * @throws `PalettizeError` `palettize/invalid-argument` where the number of values is not the shape's.
 */
export function linearInt8(
  values: Float32Array,
  shape: readonly number[],
  { per, range }: LinearInt8Scheme,
): Float32Array<ArrayBuffer> {
  const total = shape.reduce((a, b) => a * b, 1);
  if (values.length !== total) {
    throw new PalettizeError(
      'palettize/invalid-argument',
      `linearInt8: expected ${total} values for [${shape.join(', ')}], got ${values.length}. Give the whole tensor.`,
    );
  }
  const out = new Float32Array(total);
  const last = shape.at(-1) ?? 1;
  const perOutput = total / Math.max(1, shape[0] ?? 1);
  const slices = per === 'last-axis' ? last : (shape[0] ?? 1);
  for (let slice = 0; slice < slices; slice++) {
    const [first, step, end] =
      per === 'last-axis' ? [slice, last, total] : [slice * perOutput, 1, (slice + 1) * perOutput];
    quantizeSlice(values, out, first, step, end, range);
  }
  return out;
}

/** Bits that a weight takes as linear int8: codes, for each slice a scale in f32, and a zero point where there is one. */
export function linearInt8Bits(shape: readonly number[], { per, range }: LinearInt8Scheme): number {
  const total = shape.reduce((a, b) => a * b, 1);
  const slices = per === 'last-axis' ? (shape.at(-1) ?? 1) : (shape[0] ?? 1);
  return 8 * total + slices * (32 + (range === 'asymmetric' ? 8 : 0));
}

function quantizeSlice(
  values: Float32Array,
  out: Float32Array,
  first: number,
  step: number,
  end: number,
  range: LinearInt8Scheme['range'],
): void {
  let low = 0;
  let high = 0;
  for (let i = first; i < end; i += step) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  if (low === high) return; // zeros: out holds them already
  const [codeLow, codeHigh] = range === 'symmetric' ? [-127, 127] : [-128, 127];
  if (range === 'symmetric') [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
  const codes = codeHigh - codeLow;
  const zero =
    range === 'symmetric' ? 0 : clamp(roundToEven((codeLow * high - codeHigh * low) / (high - low)), codeLow, codeHigh);
  const scale = Math.fround((high - low) / codes);
  for (let i = first; i < end; i += step) {
    const code = clamp(roundToEven((values[i]! * codes) / (high - low)) + zero, codeLow, codeHigh);
    out[i] = (code - zero) * scale;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
