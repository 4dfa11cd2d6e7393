/** What {@link solverStepReference} reads; arrays as long as one plane. */
export interface SolverStepReferenceInput {
  /** Latents, then the solver's slots. */
  readonly planes: readonly ArrayLike<number>[];
  /** `[1 + slots][slots + 3]`: rows are written planes; columns planes, guided output, noise. */
  readonly coefficients: readonly (readonly number[])[];
  /** The model's output, or the unconditional one under guidance. */
  readonly output: ArrayLike<number>;
  readonly conditional?: ArrayLike<number>;
  readonly guidance?: number;
  readonly noise?: ArrayLike<number>;
}

/** Guidance, then the linear update of all planes from their old values, in float64. */
export function solverStepReference(input: SolverStepReferenceInput): Float64Array[] {
  const { planes, coefficients, output, conditional, guidance = 1, noise } = input;
  return coefficients.map((row) =>
    Float64Array.from({ length: output.length }, (_, i) => {
      const uncond = output[i]!;
      const m = conditional ? uncond + guidance * (conditional[i]! - uncond) : uncond;
      const sources = [...planes.map((plane) => plane[i]!), m, noise?.[i] ?? 0];
      return row.reduce((sum, c, s) => sum + c * sources[s]!, 0);
    }),
  );
}

/** diffusers' `postprocess`: x/2 + ½, clamped, ×255, rounded half to even; alpha 255. Dense `[pixels, 3]` → RGBA words. */
export function rgbaReference(image: ArrayLike<number>): Uint32Array {
  const byte = (x: number): number => {
    const scaled = Math.min(1, Math.max(0, x / 2 + 0.5)) * 255;
    const floor = Math.floor(scaled);
    const rest = scaled - floor;
    return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  };
  return Uint32Array.from(
    { length: image.length / 3 },
    (_, i) => byte(image[3 * i]!) + (byte(image[3 * i + 1]!) << 8) + (byte(image[3 * i + 2]!) << 16) + 255 * 2 ** 24,
  );
}

/** Rescaled guidance of one picture in float64; see `guideRescaled`. */
export function guideRescaledReference(
  uncond: ArrayLike<number>,
  cond: ArrayLike<number>,
  guidance: number,
  phi: number,
): Float64Array {
  const guided = Float64Array.from(cond, (c, i) => uncond[i]! + guidance * (c - uncond[i]!));
  const factor = phi * (deviation(cond) / deviation(guided)) + 1 - phi;
  return guided.map((value) => value * factor);
}

function deviation(values: ArrayLike<number>): number {
  const all = Array.from(values);
  const mean = all.reduce((sum, v) => sum + v, 0) / all.length;
  return Math.sqrt(all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (all.length - 1));
}
