export { partFolders, partGraph, partNames, type PartName, type PipelineShape } from './graphs.js';
export { readSdFiles } from './files.js';
export { pipelineClasses, readSdConfig, type SdConfig, type SdDefaults, type SdFiles } from './model-config.js';
export { checkpointTensors } from './checkpoint-tensors.js';
export { planSd, type SdPlan } from './plan-sd.js';
export { sd15Files } from './presets.js';
