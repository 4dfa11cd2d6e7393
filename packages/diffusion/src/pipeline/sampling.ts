import { planSampling, type SamplingPlan } from '@pleinair/schedulers';
import type { LatentModel } from './latent-model.js';
import type { PictureRequest } from './request.js';

/** What of a request decides the schedule. */
type SamplingWish = Pick<
  PictureRequest,
  'scheduler' | 'steps' | 'eta' | 'timesteps' | 'sigmas' | 'denoisingStart' | 'denoisingEnd'
>;

/**
 * Plans a request's run over the model's schedule.
 *
 * @param strength - How much of the schedule runs over a picture that is there.
 * @throws SchedulerError for schedulers, steps, levels and parts that are none.
 */
export function samplingOf(
  { config }: Pick<LatentModel, 'config'>,
  { scheduler, steps = config.defaults.steps, eta, timesteps, sigmas, denoisingStart, denoisingEnd }: SamplingWish,
  strength?: number,
): SamplingPlan {
  // SDXL's UNets are told sizes; what "Align Your Steps" publishes for the others is of SD 1.x.
  const model = config.unet.textTime ? 'sdxl' : 'sd';
  const asked = { scheduler, steps, eta, timesteps, sigmas, denoisingStart, denoisingEnd, strength };
  return planSampling(config.scheduler, asked, model);
}
