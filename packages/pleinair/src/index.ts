export {
  load,
  Painter,
  type GenerateRequest,
  type GenerateResult,
  type LoadOptions,
  type LoraPlace,
  type PictureOrigin,
} from './painter.js';
export type { Architecture, ModelDescription, ModelPlan, RunnableArchitecture } from './models/architecture.js';
export {
  architectureOf,
  architectures,
  describeModel,
  describePreset,
  modelPresets,
  runnableArchitectureOf,
} from './models/registry.js';
export { openPlace, type CheckpointChoices, type HubOptions, type ModelPlace, type PlaceOptions } from './source.js';
export type { PictureInput } from './picture-input.js';
export type { FilePlace } from './adapter-files.js';
export type { Prompt, PromptPiece } from '@pleinair/text';
export { encodePng, readPngText, type PngPixels } from './png.js';
export { pictureSettings, readPictureSettings, settingsKey, type PictureSettings } from './picture-settings.js';
export { defaultTuningStore } from './tuning/default-store.js';
export type { AttentionChoice } from '@pleinair/kernels';
export {
  IndexedDbTuningStore,
  MemoryTuningStore,
  Tuner,
  tuningResults,
  TuningStoreError,
  type TunedShape,
  type TuneMode,
  type TuneOptions,
  type Tuning,
  type TuningAdapter,
  type TuningProgress,
  type TuningRecord,
  type TuningResult,
  type TuningStore,
  type TuningWork,
  type VariantTime,
} from '@pleinair/kernels';
export { version } from './version.js';
export type {
  FamilyTime,
  KernelProfile,
  MemoryMap,
  MemoryMode,
  ModeMemory,
  PartKind,
  PartMemory,
  PartProgress,
  ProfiledKernel,
  ProfiledSegment,
  ProfileRequest,
  SegmentMemory,
  ShapeRequest,
  RgbaImage,
  MemoryReport,
  Picture,
  PictureWarning,
  PipelineReport,
  Preview,
  RunSettings,
  RunState,
  LatentModelConfig,
  MicroConditioning,
  ModelDefaults,
  PictureRequest,
  PictureResult,
  StepReport,
  Timings,
  TuneRequest,
} from '@pleinair/diffusion';
export { isPleinairError, PleinairError, type Device } from '@pleinair/tensor';
export {
  blobSource,
  httpFilesSource,
  httpSource,
  HubError,
  type DownloadProgress,
  type ModelSource,
} from '@pleinair/weights';
