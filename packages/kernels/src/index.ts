export { linear, linearWeight, type LinearOptions } from './matmul/linear.js';
export { geglu } from './matmul/geglu.js';
export { conv2d, convWeight, type Conv2dOptions } from './conv2d/conv2d.js';
export type { NormOnLoad } from './conv2d/conv-input.js';
export { convLayout, linearLayout } from './product/layout.js';
export type { Activation } from './shader/activation.js';
export { storageForm, type StorageForm } from './shader/storage.js';
export {
  groupNorm,
  groupNormStats,
  type GroupNormOptions,
  type GroupNormStatsOptions,
} from './norm/group-norm.js';
export { layerNorm, type LayerNormOptions } from './norm/layer-norm.js';
export { attention, type AttentionOptions } from './attention/attention.js';
export { gatherRows } from './embedding/gather-rows.js';
export { sinusoidalEmbedding, type SinusoidalEmbeddingOptions } from './embedding/sinusoidal-embedding.js';
export { tokenEmbedding, type TokenEmbeddingOptions } from './embedding/token-embedding.js';
export { concatChannels, type ConcatChannelsOptions } from './latent/concat-channels.js';
export { add, scaleBy } from './latent/elementwise.js';
export { modelInput, type ModelInputOptions } from './latent/model-input.js';
export { sd1LatentToRgb, sdxlLatentToRgb, type LatentToRgb } from './latent/preview-factors.js';
export { solverStep, type SolverStepOptions } from './latent/solver-step.js';
export { latentsToRgba, quickPreview } from './latent/to-rgba.js';
