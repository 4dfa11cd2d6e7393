export { applyStep, initialState, type StateArray } from './apply-step.js';
export { parseSchedulerConfig, type SchedulerConfig } from './config.js';
export { SchedulerError, type SchedulerErrorCode } from './errors.js';
export { keepDenoised } from './keep-denoised.js';
export { packCoefficients } from './linear-map.js';
export type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from './plan.js';
export {
  listSchedulers,
  schedulerFromConfig,
  schedulerNames,
  type SchedulerEntry,
  type SchedulerOverrides,
} from './registry.js';
export { planSampling, type SamplingRequest } from './sampling-plan.js';
export { alignYourSteps, type AlignedModel } from './schedule/align-your-steps.js';
export { stepsOfPart, type SchedulePart } from './schedule/part-of-schedule.js';
export {
  createNoiseSource,
  NOISE_KINDS,
  type NoiseKind,
  type NoiseOptions,
  type NoiseSource,
} from './random/noise-source.js';
export { NumpyRandomState, numpyRandn } from './random/numpy.js';
export type { Seed } from './random/seed.js';
export { TorchCpuGenerator, torchCpuRandn, type TorchDtype } from './random/torch-cpu.js';
export { TorchCudaGenerator, torchCudaRandn, type CudaDevice } from './random/torch-cuda.js';
