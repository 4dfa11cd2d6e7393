import { SchedulerError } from './errors.js';
import type { Evaluation, SamplingPlan } from './plan.js';

/** Arrays the reference works on: float64 for proofs, float32 for what a GPU would store. */
export type StateArray = Float32Array | Float64Array;

/**
 * The state a plan starts from: latents `initNoiseSigma · noise` and zeroed slots.
 *
 * @param noise - Standard normals, one a latent value; not kept.
 * @returns `1 + slots` arrays of the same type and length.
 */
export function initialState(plan: SamplingPlan, noise: StateArray): StateArray[] {
  return [
    noise.map((value) => value * plan.initNoiseSigma),
    ...Array.from({ length: plan.slots }, () => noise.map(() => 0)),
  ];
}

/**
 * Applies one evaluation's update on the CPU: what the GPU's solver kernel does, in plain sight.
 *
 * Sums are float64; storing into `Float32Array`s rounds.
 *
 * @param state - `1 + slots` arrays: latents, then the slots. Updated in place.
 * @param output - The model's output after guidance, as long as the latents.
 * @param noise - Standard normals, as long; needed where `evaluation.drawsNoise`.
 * @throws SchedulerError `scheduler/operands` when arrays are missing or of other lengths.
 */
export function applyStep(
  evaluation: Evaluation,
  state: readonly StateArray[],
  output: StateArray,
  noise?: StateArray,
): void {
  const rows = evaluation.coefficients;
  if (state.length !== rows.length) {
    throw new SchedulerError(
      'scheduler/operands',
      `applyStep: expected ${rows.length} state arrays (latents and ${rows.length - 1} slots), got ${state.length}. ` +
        'Make them with initialState.',
    );
  }
  if (evaluation.drawsNoise && !noise) {
    throw new SchedulerError(
      'scheduler/operands',
      `applyStep: expected noise at step ${evaluation.step}, got none. Draw it from the same source as the first latents.`,
    );
  }
  const length = state[0]!.length;
  for (const array of [...state, output, ...(noise ? [noise] : [])]) {
    if (array.length !== length) {
      throw new SchedulerError(
        'scheduler/operands',
        `applyStep: expected ${length} values an array, got ${array.length}. All operands are as large as the latents.`,
      );
    }
  }
  const sources = [...state, output, ...(noise ? [noise] : [])];
  const updated = new Float64Array(rows.length);
  for (let i = 0; i < length; i++) {
    for (let row = 0; row < rows.length; row++) {
      let sum = 0;
      for (let source = 0; source < sources.length; source++) sum += rows[row]![source]! * sources[source]![i]!;
      updated[row] = sum;
    }
    // Only now: every row reads the old values.
    for (let row = 0; row < rows.length; row++) state[row]![i] = updated[row]!;
  }
}
