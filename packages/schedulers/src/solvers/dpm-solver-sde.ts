import type { ConfigReader } from '../config.js';
import { combine, slotRow } from '../linear-map.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from '../plan.js';
import { discreteSchedule } from '../schedule/discrete-schedule.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { ancestralSplit, sigmaPlace } from './sigma-place.js';
import { evaluation } from './evaluation.js';

const NAME = 'DPMSolverSDEScheduler';

/** Planes: the sample a step began with, and the noise drawn for its first half. */
const SLOTS = 2;
const [SAVED, NOISE] = [slotRow(0), slotRow(1)];

/**
 * DPM-Solver++ (SDE) of k-diffusion, "DPM++ SDE", as diffusers 0.39 `scheduling_dpmsolver_sde.py`: an ancestral step to the
 * middle in ln σ, then one over the whole with the x̂0 found there.
 *
 * Both steps add noise, and it is not independent: it comes of one Brownian motion over σ, increments divided by √Δσ. From
 * `from` over `middle` to `to`, with n₁ and n₂ drawn one after the other,
 *
 * ```text
 * first half   n₁
 * whole step   (√(from − middle)·n₁ + √(middle − to)·n₂) / √(from − to)
 * ```
 *
 * which is that motion exactly, with no tree of increments: nothing is ever asked of it out of order. diffusers takes it from
 * torchsde, whose numbers for a seed are its own; pictures are alike in distribution, not equal by seed.
 */
export function dpmSolverSde(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const table = buildNoiseTable(reader, { rescales: false, betaRange: [0.00085, 0.012] });
  const schedule = discreteSchedule(NAME, reader, table, { karrasRange: false, wide: true });

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = schedule.lay(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const evaluations: Evaluation[] = [];
    for (let step = start; step < end; step++) {
      const from = sigmas[step]!;
      const to = sigmas[step + 1]!;
      const first = sigmaPlace(predictionType, step, timesteps[step]!, from);
      if (step + 1 === steps) {
        // Without noise to the end: Euler's step.
        const next = combine([1, { x: 1 }], [to - from, first.slope]);
        evaluations.push(evaluation(first.about, [next, SAVED, NOISE]));
        continue;
      }
      const middle = Math.sqrt(from * to);
      const half = ancestralSplit(from, middle);
      evaluations.push(
        evaluation(
          first.about,
          [
            combine([half.down / from, { x: 1 }], [1 - half.down / from, first.x0], [half.up, { n: 1 }]),
            { x: 1 },
            { n: 1 },
          ],
          true,
        ),
      );
      const second = sigmaPlace(predictionType, step, schedule.timestepOf(middle), middle);
      const whole = ancestralSplit(from, to);
      const share = (from - middle) / (from - to);
      const noise = combine([Math.sqrt(share), NOISE], [Math.sqrt(1 - share), { n: 1 }]);
      evaluations.push(
        evaluation(
          second.about,
          [combine([whole.down / from, SAVED], [1 - whole.down / from, second.x0], [whole.up, noise]), SAVED, NOISE],
          true,
        ),
      );
    }
    return { scheduler: NAME, steps, slots: SLOTS, initNoiseSigma: schedule.initial(sigmas), evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps: table.sigmas.length, plan };
}
