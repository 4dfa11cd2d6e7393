import { graphTensors, leastShape, type CheckpointTensor } from '@pleinair/diffusion';
import { textEncoderGraph } from '@pleinair/text';
import { partGraph, type PartName } from './graphs.js';
import type { SdxlConfig } from './model-config.js';

/**
 * The tensors of a part's checkpoint, from its configuration alone: what a recipe may name. Of the first text encoder that
 * includes the last layer, which SDXL never runs; of the VAE it is the decoder.
 */
export function checkpointTensors(config: SdxlConfig, part: PartName): CheckpointTensor[] {
  if (part !== 'text_encoder' || !config.textEncoder) return graphTensors(partGraph(config, leastShape, part));
  const whole = { batch: 1, skipLayers: 0, pooled: false, finalNorm: true, dtype: 'f16' } as const;
  return graphTensors(textEncoderGraph(config.textEncoder, whole));
}
