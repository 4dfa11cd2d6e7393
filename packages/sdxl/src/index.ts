export { SdxlPipeline, type SdxlPipelineOptions } from './pipeline.js';
export type {
  LoadProgress,
  MemoryReport,
  Picture,
  StepReport,
  TextToImageRequest,
  TextToImageResult,
  Timings,
} from './request.js';
export type { MemoryMode } from './part.js';
export { readSdxlConfig, type SdxlConfig, type SdxlDefaults, type SdxlFiles } from './model-config.js';
export { readSdxlFiles } from './files.js';
export { sdxlBaseFiles } from './presets.js';
export { componentGraph, components, latentSize, type Component, type PipelineShape } from './graphs.js';
export { componentPlan, planSdxl, type ComponentPlan, type SdxlPlan } from './plan-sdxl.js';
export { timeIds, type MicroConditioning } from './time-ids.js';
