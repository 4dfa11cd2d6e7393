export { linear, linearWeight, type LinearOptions } from './matmul/linear.js';
export { geglu } from './matmul/geglu.js';
export { gegluFeedForward, type GegluFeedForwardOptions } from './matmul/geglu-feed-forward.js';
export { conv2d, convWeight, type Conv2dOptions } from './conv2d/conv2d.js';
export { narrowConv, type NarrowConvOptions } from './conv2d/narrow.js';
export type { NormOnLoad } from './conv2d/conv-input.js';
export type { ImageRows } from './product/epilogue.js';
export { convLayout, linearLayout } from './product/layout.js';
export type { Activation } from './shader/activation.js';
export { storageForm, type StorageForm } from './shader/storage.js';
export type { MeasuredTensor } from './norm/channel-statistics.js';
export { groupNorm, groupNormStats, type GroupNormOptions, type GroupNormStatsOptions } from './norm/group-norm.js';
export { layerNorm, type LayerNormOptions } from './norm/layer-norm.js';
export { attention, attentionFamily, type AttentionOptions } from './attention/attention.js';
export { forceAttention, type AttentionChoice } from './attention/force.js';
export { runningAttention, type RunningAttentionOptions } from './attention/running.js';
export { finishedAttention } from './attention/finished.js';
export type { AttentionFamily } from './attention/variant.js';
export { gatherRows } from './embedding/gather-rows.js';
export { injectVectors, type InjectVectorsOptions } from './embedding/inject-vectors.js';
export { sinusoidalEmbedding, type SinusoidalEmbeddingOptions } from './embedding/sinusoidal-embedding.js';
export { embeddingWeight } from './embedding/table.js';
export { tokenEmbedding, type TokenEmbeddingOptions } from './embedding/token-embedding.js';
export { blendLatents, type BlendLatentsOptions } from './latent/blend-latents.js';
export { concatChannels, type ConcatChannelsOptions } from './latent/concat-channels.js';
export { add, scaleBy } from './latent/elementwise.js';
export { guideRescaled, type GuideRescaledOptions } from './latent/guide-rescaled.js';
export { modelInput, type ModelInputOptions } from './latent/model-input.js';
export { sd1LatentToRgb, sdxlLatentToRgb, type LatentToRgb } from './latent/preview-factors.js';
export { solverStep, type SolverStepOptions } from './latent/solver-step.js';
export { latentsToRgba, quickPreview } from './latent/to-rgba.js';
export {
  Tuner,
  type TuneMode,
  type TuneOptions,
  type TunedShape,
  type TunerOptions,
  type Tuning,
} from './tuning/tuner.js';
export { TuningStoreError, MemoryTuningStore, type TuningStore } from './tuning/store.js';
export { IndexedDbTuningStore } from './tuning/indexed-db-store.js';
export type { TuningAdapter } from './tuning/adapter-key.js';
export {
  mergeRecords,
  parseRecord,
  type TuningExtent,
  type TuningRecord,
  type TuningRecords,
} from './tuning/record.js';
export { tuningResult, tuningResults, type TuningResult, type VariantTime } from './tuning/results.js';
export type { TuningSubject, TuningWork } from './tuning/subject.js';
export type { TuningEffort, TuningProgress } from './tuning/run-tuning.js';
export { wholePicture, type BandTensor, type BandWindow } from './bands/band.js';
export { bandConv, type BandConvOptions } from './bands/band-conv.js';
export { bandOfWhole, type BandOfWholeOptions } from './bands/band-of-whole.js';
export { bandNormSilu } from './bands/band-norm-silu.js';
export { bandToRgba } from './bands/band-to-rgba.js';
export { bandToWhole } from './bands/band-to-whole.js';
export { groupMoments, type GroupMomentsOptions } from './bands/group-moments.js';
export { momentsAffine, type MomentsAffineOptions } from './bands/moments-affine.js';
export { nextCode } from './bands/next-code.js';
export { recodeBand, type RecodeBandOptions } from './bands/recode-band.js';
export { sampleEvenly, type CopySize } from './bands/sample-evenly.js';
export { samplePixels } from './bands/sample-pixels.js';
