export { openSdxl, type SdxlPipeline } from './open-sdxl.js';
export { sdxlModel, type SdxlModel } from './sdxl-model.js';
export { pipelineClasses, readSdxlConfig, type SdxlConfig, type SdxlFiles } from './model-config.js';
export { readSdxlFiles } from './files.js';
export { sdxlBaseFiles, sdxlInpaintFiles, sdxlRefinerFiles } from './presets.js';
export {
  partFolders,
  partGraph,
  partNames,
  parts,
  partsOf,
  textToImageParts,
  type PartName,
  type TextToImagePart,
  type PipelineShape,
} from './graphs.js';
export { checkpointTensors } from './checkpoint-tensors.js';
export { planSdxl, type SdxlPlan } from './plan-sdxl.js';
export { negativeTimeIds, refinerTimeIds, timeIds } from './time-ids.js';
export {
  SdxlAnalysis,
  type SdxlAnalysisOptions,
  type SdxlCalibration,
  type SdxlCalibrationOptions,
  type SdxlEngineOptions,
} from './analyze/sdxl-analysis.js';
