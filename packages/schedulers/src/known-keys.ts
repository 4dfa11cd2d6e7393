import type { SchedulerConfig } from './config.js';
import { SchedulerError } from './errors.js';

/**
 * Keys that some image scheduler of diffusers 0.39 has. A configuration is often written by one class and read by another,
 * which then ignores what is not its own, as diffusers does.
 */
const KNOWN = new Set(
  `algorithm_type base_image_seq_len base_shift beta_end beta_schedule beta_start clip_sample clip_sample_range
  disable_corrector dynamic_thresholding_ratio euler_at_final final_sigmas_type flow_shift interpolation_type invert_sigmas
  lambda_min_clipped lower_order_final max_image_seq_len max_shift noise_sampler_seed num_train_timesteps
  original_inference_steps predict_x0 prediction_type rescale_betas_zero_snr rho sample_max_value set_alpha_to_one shift
  shift_terminal sigma_data sigma_max sigma_min sigma_schedule skip_prk_steps snr_shift_scale solver_order solver_p
  solver_type steps_offset stochastic_sampling thresholding time_shift_type timestep_scaling timestep_spacing timestep_type
  trained_betas use_beta_sigmas use_dynamic_shifting use_exponential_sigmas use_flow_sigmas use_karras_sigmas
  use_lu_lambdas variance_type`.split(/\s+/),
);

/** Keys of earlier versions that change nothing: names of array libraries, lists that are computed. */
const WITHOUT_MEANING = new Set(['tensor_format', 'timestep_values']);

/**
 * Refuses keys that no scheduler has: they would change the numbers in a way not done here, or are misspelt.
 *
 * In a file, `false`, `null` and keys that begin with an underscore pass: what a newer version has switched off, and what
 * describes the file. Among a caller's own keys nothing unknown passes.
 *
 * @throws SchedulerError `scheduler/unsupported`, naming key and value.
 */
export function refuseUnknownKeys(scheduler: string, file: SchedulerConfig, own: SchedulerConfig): void {
  for (const [key, value] of Object.entries(own)) {
    if (value !== undefined && !key.startsWith('_') && !KNOWN.has(key)) refuse(scheduler, key, value);
  }
  for (const [key, value] of Object.entries(file)) {
    if (key === 'predict_epsilon') {
      // Before prediction_type, this was how models that predict x0 were told.
      if (value === false) refuse(scheduler, key, value, 'Use "prediction_type": "sample".');
      continue;
    }
    if (key.startsWith('_') || KNOWN.has(key) || WITHOUT_MEANING.has(key)) continue;
    if (value === undefined || value === null || value === false) continue;
    refuse(scheduler, key, value);
  }
}

function refuse(scheduler: string, key: string, value: unknown, cure?: string): never {
  throw new SchedulerError(
    'scheduler/unsupported',
    `${scheduler}: expected keys that diffusers 0.39 has, got "${key}": ${JSON.stringify(value)}. ` +
      (cure ?? 'It may change the numbers: correct its spelling, or remove it.'),
  );
}
