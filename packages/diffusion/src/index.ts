export { ConfigError, JsonConfig } from './json-config.js';
export { readDefaults, readDefaultsJson, readJsonObject, readSchedulerJson, type JsonObject } from './model-files.js';
export { readUNetConfig, type UNetConfig, type UNetLevel } from './unet/config.js';
export { unet, type UNetInputs } from './unet/unet.js';
export { addedEmbedding, timeEmbedding } from './unet/time-embedding.js';
export { TimeProjections, type TimeProjectionInputs } from './unet/time-projections.js';
export type { CrossContext } from './unet/transformer.js';
export { readVaeConfig, vaeFactor, type VaeConfig } from './vae/config.js';
export { vaeDecoder } from './vae/decoder.js';
export { vaeEncoder } from './vae/encoder.js';
export { decodedSize, decoderGraph } from './vae/decoder-graph.js';
export { encoderGraph } from './vae/encoder-graph.js';
export { bandSizes, type BandSizes } from './vae/tiled/band-sizes.js';
export { runTiledDecoder } from './vae/tiled/decode-tiled.js';
export { tiledDecoderGraph, type TiledDecoder } from './vae/tiled/decoder-graph.js';
export { runTiledEncoder } from './vae/tiled/encode-tiled.js';
export { encoderSizes, type EncoderSizes } from './vae/tiled/encoder-sizes.js';
export { tiledEncoderGraph, type TiledEncoder } from './vae/tiled/encoder-graph.js';
export { levelSizes, type LevelSizes } from './vae/tiled/level-sizes.js';
export type { BandStep, RunBandsOptions } from './vae/tiled/run-bands.js';
export {
  PREVIEW_SEGMENT,
  PROMPT_SEGMENT,
  SCHEDULE_SEGMENT,
  STEP_SEGMENT,
  denoiserGraph,
  guidanceHalves,
  stepExtras,
  stepParameters,
  type DenoiserShape,
  type GuidanceShape,
} from './denoise/denoiser-graph.js';
export { writeConditioning, type Conditioning, type TextConditioning } from './denoise/conditioning.js';
export { guidanceEmbedding, writeGuidanceEmbedding } from './denoise/guidance-embedding.js';
export {
  denoise,
  preparePrompt,
  prepareSchedule,
  type DenoiseRun,
  type DenoiseStart,
  type DenoiseState,
  type KeptLatents,
} from './denoise/denoise-loop.js';
export { quickPicture, predictedLatents, type Preview } from './denoise/preview.js';
export { readLatentToRgb, sd1LatentToRgb, sdxlLatentToRgb, type LatentToRgb } from './denoise/latent-to-rgb.js';
export { toChannelsFirst, toChannelsLast } from './denoise/latent-layout.js';
export { Clock, type Phase, type Timings } from './parts/clock.js';
export {
  chooseMemory,
  memoryBudget,
  memoryModes,
  memoryPolicy,
  type MemoryMode,
  type MemoryPolicy,
} from './parts/memory-policy.js';
export { Part, type PartOptions, type PartProgress, type PartUse } from './parts/part.js';
export type { PartKind, PartSpec } from './parts/part-spec.js';
export { PartPlans, type PartForm, type PartPlanOptions } from './parts/part-plans.js';
export { readPartPalettes, type PartPalettes } from './parts/part-palettes.js';
export { graphTensors, leastShape, type CheckpointTensor } from './parts/checkpoint-tensors.js';
export {
  latentSize,
  solverShape,
  type PartExtras,
  type PartRecorder,
  type PipelineShape,
} from './parts/pipeline-shape.js';
export {
  chooseVae,
  decoderSteps,
  encoderSteps,
  settleEncoder,
  settleVae,
  vaeDecoderGraph,
  vaeEncoderGraph,
  type VaeChoice,
  type VaeMode,
  type VaeSettings,
} from './parts/vae-tiling.js';
export { denoiserShape } from './parts/denoiser-shape.js';
export { planOrSayWhatFits } from './parts/what-fits.js';
export { planPipeline, type ShapedPlan } from './parts/plan-pipeline.js';
export {
  partPlan,
  peakBytes,
  planParts,
  type PartPlan,
  type PipelinePlan,
  type PlannedPart,
} from './parts/plan-parts.js';
export { tuningWorks } from './parts/tuning-works.js';
export { PartTuning, type ChosenVariants, type PartTuneOptions, type PartTuningUse } from './parts/part-tuning.js';
export {
  familyTimes,
  type FamilyTime,
  type KernelProfile,
  type ProfiledKernel,
  type ProfiledSegment,
} from './profile/kernel-profile.js';
export type { MemoryMap, ModeMemory, PartMemory, SegmentMemory } from './profile/memory-map.js';
export {
  readLayerInputs,
  type InputPoint,
  type InputRun,
  type LayerInputOptions,
  type LayerSet,
} from './probe/input-probe.js';
export { layerRows, type LayerRows } from './probe/layer-rows.js';
export { DenoiserProbe, type ProbeOptions, type ProbePrompt, type ProbeRun } from './probe/denoiser-probe.js';
export {
  PipelineAdapters,
  type AdapterFile,
  type AdapterOptions,
  type LoraFile,
} from './adapters/pipeline-adapters.js';
export { PartAdapters, type LoraMode, type PartLora } from './adapters/part-adapters.js';
export { LatentPipeline, type PipelineOptions } from './pipeline/latent-pipeline.js';
export type { LatentModel, LatentModelConfig, ModelDefaults, TextEncoding } from './pipeline/latent-model.js';
export { encodePrompts, tokenizePrompts, type EncodedPrompts, type TokenizedPrompts } from './pipeline/encode-text.js';
export { checkImage, type RgbaImage } from './image/rgba-image.js';
export type { RunState } from './pipeline/run-state.js';
export type { EncodedImages } from './pipeline/begin-picture.js';
export type { Posterior } from './pipeline/encode-image.js';
export { openTokenizer } from './pipeline/tokenizers.js';
export type { PictureWarning } from './pipeline/warnings.js';
export type {
  ImageRequest,
  MemoryReport,
  MicroConditioning,
  Picture,
  PictureRequest,
  PictureResult,
  PipelineReport,
  ProfileRequest,
  RunSettings,
  ShapeRequest,
  StepReport,
  TuneRequest,
} from './pipeline/request.js';
