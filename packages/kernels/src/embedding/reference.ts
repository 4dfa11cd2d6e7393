/** Options of {@link sinusoidalReference}; names as in diffusers' `get_timestep_embedding`. */
export interface SinusoidalReferenceOptions {
  readonly dim: number;
  readonly flipSinToCos: boolean;
  /** `downscale_freq_shift`. */
  readonly shift: number;
}

/** diffusers' `get_timestep_embedding` in float64: `[n]` → `[n, dim]`; an odd last column is zero. */
export function sinusoidalReference(values: ArrayLike<number>, options: SinusoidalReferenceOptions): Float64Array {
  const { dim, flipSinToCos, shift } = options;
  const half = Math.floor(dim / 2);
  const out = new Float64Array(values.length * dim);
  for (let i = 0; i < values.length; i++) {
    for (let j = 0; j < half; j++) {
      const angle = values[i]! * Math.exp((-Math.log(10000) * j) / (half - shift));
      out[i * dim + j] = flipSinToCos ? Math.cos(angle) : Math.sin(angle);
      out[i * dim + half + j] = flipSinToCos ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return out;
}
