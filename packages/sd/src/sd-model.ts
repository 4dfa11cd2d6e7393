import type { LatentModel } from '@pleinair/diffusion';
import { partGraph, parts, type PartName } from './graphs.js';
import type { SdConfig } from './model-config.js';

/** A Stable Diffusion model as the pipeline runs it. */
export type SdModel = LatentModel<PartName, SdConfig>;

/** What makes a configuration a Stable Diffusion model. */
export function sdModel(config: SdConfig): SdModel {
  return {
    config,
    parts,
    texts: [
      { part: 'text_encoder', tokenizer: 'tokenizer', config: config.textEncoder, reads: 'first', pooled: false },
    ],
    zerosForAbsentNegative: false,
    needsImage: false,
    record: (shape, part, palettes, extras) => partGraph(config, shape, part, () => palettes, extras),
  };
}
