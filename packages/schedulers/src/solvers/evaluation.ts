import { linearMap, type Row } from '../linear-map.js';
import type { Evaluation } from '../plan.js';

/** All of an evaluation but its update and whether it draws noise. */
export type About = Omit<Evaluation, 'coefficients' | 'drawsNoise'>;

/**
 * An evaluation whole.
 *
 * @param rows - What the latents become, then what each slot becomes.
 */
export function evaluation(about: About, rows: readonly Row[], drawsNoise = false): Evaluation {
  return { ...about, coefficients: linearMap(rows.length - 1, rows), drawsNoise };
}
