export { SdxlPipeline, type SdxlPipelineOptions } from './pipeline.js';
export type {
  MemoryReport,
  Picture,
  PipelineReport,
  RunSettings,
  StepReport,
  TextToImageRequest,
  TextToImageResult,
  TuneRequest,
} from './request.js';
export type { PictureWarning } from './warnings.js';
export type {
  CheckpointTensor,
  PartProgress,
  MemoryMode,
  PartPalettes,
  PartPlan,
  PartRecorder,
  Preview,
  Timings,
} from '@pleinair/diffusion';
export { pipelineClasses, readSdxlConfig, type SdxlConfig, type SdxlDefaults, type SdxlFiles } from './model-config.js';
export { readSdxlFiles } from './files.js';
export { sdxlBaseFiles } from './presets.js';
export type { VaeMode } from '@pleinair/diffusion';
export { partFolders, partGraph, partNames, type PartName, type PipelineShape } from './graphs.js';
export { checkpointTensors } from './checkpoint-tensors.js';
export { planSdxl, type SdxlPlan } from './plan-sdxl.js';
export { timeIds, type MicroConditioning } from './time-ids.js';
export {
  SdxlAnalysis,
  type SdxlAnalysisOptions,
  type SdxlCalibration,
  type SdxlCalibrationOptions,
  type SdxlEngineOptions,
} from './analyze/sdxl-analysis.js';
