/**
 * How a sampler is written down here: **one linear map an evaluation of the model**.
 *
 * Every solver diffusers has (one step or many, with history, with two evaluations a step, with injected noise) only
 * ever adds up multiples of things it already holds. So a sampler is a state of `1 + slots` arrays as large as the
 * latents, and a table of coefficients; one generic kernel serves them all:
 *
 * ```text
 * state     plane 0: the latents x          planes 1 … slots: whatever the solver keeps (earlier x̂0, a saved sample)
 * sources   [plane 0, plane 1 … plane slots, model output m, noise n]                     slots + 3 of them
 * update    plane_r ← Σ_s coefficients[r][s] · source_s     for all r at once, from the old values
 * ```
 *
 * A loop over `evaluations` is then the whole sampler: feed `inputScale · x` and `timestep` to the model, guide its
 * output to m, draw n where `drawsNoise`, apply the update. For example DPM++ 2M keeps the last x̂0 in plane 1: row 0
 * is the solver's step and row 1 is `x̂0 = a·x + b·m`; v-prediction differs in numbers only. Heun evaluates twice a step: the
 * first update leaves the predicted sample in plane 0 and saves sample and derivative in planes 1 and 2, the second
 * combines them. Five slots are enough for every solver in diffusers (PNDM with its Runge–Kutta start; UniPC of order 3
 * needs four), so a kernel holds at most 6 × 8 coefficients, and 7 × 9 with previews.
 */
export interface Evaluation {
  /** Which of the user's steps this belongs to, counted in the full schedule from 0; solvers may evaluate twice a step. */
  readonly step: number;
  /** What the model is told; whole for discrete schedules, fractional under Karras sigmas. */
  readonly timestep: number;
  /** The model's input is `inputScale · x`. */
  readonly inputScale: number;
  /** Noise over signal, σ, of the latents this evaluation sees. */
  readonly sigma: number;
  /** `[1 + slots][slots + 3]`: rows are written planes, columns sources; see above. float64, round to f32 for a GPU. */
  readonly coefficients: readonly (readonly number[])[];
  /**
   * True where diffusers draws one standard normal for each latent value, after the model has run. Draw whenever it is
   * true, even if the coefficient is 0: the generator's later values depend on it.
   */
  readonly drawsNoise: boolean;
  /** The clean latents this evaluation predicts, for previews: `x̂0 = sample · x + output · m`. */
  readonly denoised: { readonly sample: number; readonly output: number };
  /** Clean latents z noised to this evaluation's level, `signal · z + noise · n` (image to image, inpainting). */
  readonly noising: { readonly signal: number; readonly noise: number };
}

/** A sampler for a given number of steps: pure data, independent of any device. */
export interface SamplingPlan {
  /** The diffusers class this follows. */
  readonly scheduler: string;
  /** Steps of the full schedule, also when only a part of it was asked for. */
  readonly steps: number;
  /** Planes of state beside the latents. They start as zeros. */
  readonly slots: number;
  /** Text to image starts from `x = initNoiseSigma · n`. */
  readonly initNoiseSigma: number;
  /** In order; at least one a step. */
  readonly evaluations: readonly Evaluation[];
}

/** Which part of the schedule to run, and how random it is. */
export interface PlanOptions {
  /**
   * First step to run, from 0 (image to image, refiner). History starts empty there, as diffusers' does.
   * @defaultValue 0
   */
  readonly startStep?: number;
  /** Step to stop before (base model ahead of a refiner). The steps before it are unchanged by it. */
  readonly endStep?: number;
  /**
   * How random a step is, from 0 (not at all) to 1. DDIM: 1 is as random as DDPM. TCD: the paper's γ. Others ignore it, as
   * diffusers' pipelines do.
   * @defaultValue 0 for DDIM, 0.3 for TCD
   */
  readonly eta?: number;
  /**
   * The timesteps themselves, noisiest first, as many as there are steps. Sigmas follow from them. Not with PNDM and the EDM
   * family.
   */
  readonly timesteps?: readonly number[];
  /**
   * The noise levels themselves, falling, one more than there are steps: the last is where the last step ends, usually 0.
   * Timesteps follow from them. For schedulers that work in σ: not DDIM, DDPM, PNDM, LCM, TCD. See {@link alignYourSteps}.
   */
  readonly sigmas?: readonly number[];
}

/** A configured noise schedule and solver. Immutable: one can make many plans. */
export interface Scheduler {
  /** The diffusers class name. */
  readonly name: string;
  /** What the model predicts. */
  readonly predictionType: PredictionType;
  /** Timesteps the model was trained on, usually 1000. */
  readonly trainTimesteps: number;
  /**
   * What the model is told instead of training timesteps: EDM models hear ln σ / 4. Shares of the schedule
   * (`denoisingStart`) have no meaning there.
   * @defaultValue 'train'
   */
  readonly timestepUnit?: 'train' | 'log-sigma';
  /**
   * Lays out the evaluations.
   *
   * @param steps - How many steps, 1 to `trainTimesteps`.
   * @throws SchedulerError `scheduler/steps` for counts or ranges outside the schedule, and
   *   `scheduler/unsupported` where the configuration has no finite answer (epsilon at zero signal).
   */
  plan(steps: number, options?: PlanOptions): SamplingPlan;
}

/** What the model predicts: the noise, the clean sample, or the velocity (arXiv 2202.00512, appendix D). */
export type PredictionType = 'epsilon' | 'sample' | 'v_prediction';
