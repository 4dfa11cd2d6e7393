/** What {@link groupNormReference} reads: rows of `channels` per image, in float64. */
export interface GroupNormReferenceInput {
  /** `[images, rows, channels]`, dense. */
  readonly x: ArrayLike<number>;
  readonly images: number;
  readonly rows: number;
  readonly channels: number;
  readonly groups: number;
  readonly eps: number;
  readonly gamma: ArrayLike<number>;
  readonly beta: ArrayLike<number>;
  readonly silu?: boolean;
}

/** GroupNorm (then SiLU) in float64, two passes: torch.nn.GroupNorm on channels-last data. */
export function groupNormReference(input: GroupNormReferenceInput): Float64Array {
  const { x, images, rows, channels, groups, eps, gamma, beta, silu } = input;
  const size = channels / groups;
  const out = new Float64Array(images * rows * channels);
  for (let b = 0; b < images; b++) {
    for (let g = 0; g < groups; g++) {
      const visit = (f: (at: number, c: number) => void): void => {
        for (let r = 0; r < rows; r++) {
          for (let c = g * size; c < (g + 1) * size; c++) f((b * rows + r) * channels + c, c);
        }
      };
      let mean = 0;
      visit((at) => (mean += x[at]!));
      mean /= rows * size;
      let variance = 0;
      visit((at) => (variance += (x[at]! - mean) ** 2));
      variance /= rows * size;
      const scale = 1 / Math.sqrt(variance + eps);
      visit((at, c) => {
        const value = (x[at]! - mean) * scale * gamma[c]! + beta[c]!;
        out[at] = silu ? value / (1 + Math.exp(-value)) : value;
      });
    }
  }
  return out;
}

/** LayerNorm over the last dimension in float64: torch.nn.LayerNorm. `x` is `[rows, channels]`, dense. */
export function layerNormReference(
  x: ArrayLike<number>,
  rows: number,
  channels: number,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  eps: number,
): Float64Array {
  const out = new Float64Array(rows * channels);
  for (let r = 0; r < rows; r++) {
    let mean = 0;
    for (let c = 0; c < channels; c++) mean += x[r * channels + c]!;
    mean /= channels;
    let variance = 0;
    for (let c = 0; c < channels; c++) variance += (x[r * channels + c]! - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / channels + eps);
    for (let c = 0; c < channels; c++) {
      out[r * channels + c] = (x[r * channels + c]! - mean) * scale * gamma[c]! + beta[c]!;
    }
  }
  return out;
}
