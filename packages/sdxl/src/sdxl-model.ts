import type { LatentModel, TextEncoding } from '@pleinair/diffusion';
import { partGraph, parts, partsOf, type PartName } from './graphs.js';
import type { SdxlConfig } from './model-config.js';
import { negativeTimeIds, refinerTimeIds, timeIds } from './time-ids.js';

/** An SDXL model as the pipeline runs it. */
export type SdxlModel = LatentModel<PartName, SdxlConfig>;

/** What makes a configuration an SDXL model, or its refiner. */
export function sdxlModel(config: SdxlConfig): SdxlModel {
  const { textEncoder, textEncoder2, sizeNumbers } = config;
  const first: TextEncoding[] = textEncoder
    ? [{ part: 'text_encoder', tokenizer: 'tokenizer', config: textEncoder, reads: 'first', pooled: false }]
    : [];
  const refines = sizeNumbers === 5;
  return {
    config,
    parts: partsOf(config, parts),
    texts: [
      ...first,
      { part: 'text_encoder_2', tokenizer: 'tokenizer_2', config: textEncoder2, reads: 'second', pooled: true },
    ],
    zerosForAbsentNegative: config.forceZerosForEmptyPrompt,
    needsImage: refines,
    record: (shape, part, palettes, extras) => partGraph(config, shape, part, () => palettes, extras),
    timeIds: ({ width, height }, conditioning, negative) =>
      refines
        ? refinerTimeIds(height, width, conditioning, negative)
        : (negative ? negativeTimeIds : timeIds)(height, width, conditioning),
  };
}
