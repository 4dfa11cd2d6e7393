export { openSd, type SdPipeline } from './open-sd.js';
export { sdModel, type SdModel } from './sd-model.js';
export {
  partFolders,
  partGraph,
  partNames,
  parts,
  textToImageParts,
  type PartName,
  type TextToImagePart,
  type PipelineShape,
} from './graphs.js';
export { readSdFiles } from './files.js';
export { pipelineClasses, readSdConfig, type SdConfig, type SdFiles } from './model-config.js';
export { checkpointTensors } from './checkpoint-tensors.js';
export { planSd, type SdPlan } from './plan-sd.js';
export { sd15Files, sd15InpaintFiles, sd21Files } from './presets.js';
