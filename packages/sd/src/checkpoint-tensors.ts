import { graphTensors, leastShape, type CheckpointTensor } from '@pleinair/diffusion';
import { partGraph, type PartName } from './graphs.js';
import type { SdConfig } from './model-config.js';

/** The tensors of a part's checkpoint, from its configuration alone: what a recipe may name. Of the VAE it is the decoder. */
export function checkpointTensors(config: SdConfig, part: PartName): CheckpointTensor[] {
  return graphTensors(partGraph(config, leastShape, part));
}
