import { SchedulerError } from './errors.js';
import type { SamplingPlan } from './plan.js';

/** One row of an update: the plane it writes is the sum of these multiples. */
export interface Row {
  /** Multiple of the latents, plane 0. */
  readonly x?: number;
  /** Multiples of planes 1, 2, … */
  readonly slots?: readonly number[];
  /** Multiple of the (guided) model output. */
  readonly m?: number;
  /** Multiple of the drawn noise. */
  readonly n?: number;
}

/** The sum of multiples of rows: `combine([a, p], [b, q])` is a·p + b·q. */
export function combine(...terms: readonly (readonly [number, Row])[]): Row {
  const slots: number[] = [];
  let [x, m, n] = [0, 0, 0];
  for (const [factor, row] of terms) {
    // A zero times an infinity, where a solver ends at σ = 0, is nothing.
    if (factor === 0) continue;
    x += factor * (row.x ?? 0);
    m += factor * (row.m ?? 0);
    n += factor * (row.n ?? 0);
    row.slots?.forEach((value, i) => (slots[i] = (slots[i] ?? 0) + factor * value));
  }
  return { x, m, n, slots: Array.from(slots, (value) => value ?? 0) };
}

/** A plane of state as a row: what slot `index`, counted from 0, holds. */
export function slotRow(index: number): Row {
  return { slots: [...Array.from({ length: index }, () => 0), 1] };
}

/** Lays rows out as `[1 + slots][slots + 3]`, in the column order of {@link Evaluation.coefficients}. */
export function linearMap(slots: number, rows: readonly Row[]): number[][] {
  return rows.map((row) => [
    row.x ?? 0,
    ...Array.from({ length: slots }, (_, slot) => row.slots?.[slot] ?? 0),
    row.m ?? 0,
    row.n ?? 0,
  ]);
}

/**
 * All coefficients of a plan as one f32 array for the GPU, `[evaluations, 1 + slots, slots + 3]`, row-major.
 *
 * @throws SchedulerError `scheduler/unsupported` if one is not finite in f32.
 */
export function packCoefficients(plan: SamplingPlan): Float32Array {
  const packed = Float32Array.from(plan.evaluations.flatMap((evaluation) => evaluation.coefficients.flat()));
  if (!packed.every((value) => Number.isFinite(value))) {
    throw new SchedulerError(
      'scheduler/unsupported',
      `${plan.scheduler}: expected finite coefficients, got some beyond float32 at ${plan.steps} steps. ` +
        'Use another number of steps or timestep_spacing.',
    );
  }
  return packed;
}
