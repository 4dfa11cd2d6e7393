import type { LatentModel } from '@pleinair/diffusion';
import { partGraph, parts, type PartName } from './graphs.js';
import type { SdxlConfig } from './model-config.js';
import { negativeTimeIds, timeIds } from './time-ids.js';

/** An SDXL model as the pipeline runs it. */
export type SdxlModel = LatentModel<PartName, SdxlConfig>;

/** What makes a configuration an SDXL model. */
export function sdxlModel(config: SdxlConfig): SdxlModel {
  return {
    config,
    parts,
    texts: [
      { part: 'text_encoder', tokenizer: 'tokenizer', config: config.textEncoder, reads: 'first', pooled: false },
      { part: 'text_encoder_2', tokenizer: 'tokenizer_2', config: config.textEncoder2, reads: 'second', pooled: true },
    ],
    zerosForAbsentNegative: config.forceZerosForEmptyPrompt,
    needsImage: false,
    record: (shape, part, palettes) => partGraph(config, shape, part, () => palettes),
    timeIds: ({ width, height }, conditioning, negative) =>
      (negative ? negativeTimeIds : timeIds)(height, width, conditioning),
  };
}
