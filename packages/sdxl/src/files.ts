import { readDefaultsJson, readJsonObject, readSchedulerJson, type JsonObject } from '@pleinair/diffusion';
import type { ModelSource } from '@pleinair/weights';
import { checkArchitecture, type SdxlFiles } from './model-config.js';

/**
 * Reads the JSON files of a model folder in diffusers layout; `pleinair.json` may be absent.
 *
 * @throws `ConfigError` `config/unknown-architecture` before any part is looked at, `config/not-an-object`; `WeightError`
 *   where a file is missing or no JSON; `SchedulerError` for a broken scheduler config.
 */
export async function readSdxlFiles(source: ModelSource, options: { signal?: AbortSignal } = {}): Promise<SdxlFiles> {
  // The index first: what a model of another kind lacks is not worth telling.
  const modelIndex = await readJsonObject(source, 'model_index.json', options);
  checkArchitecture(modelIndex);
  const [textEncoder, textEncoder2, unet, vae, scheduler, defaults] = await Promise.all([
    hasFirstEncoder(modelIndex) ? readJsonObject(source, 'text_encoder/config.json', options) : undefined,
    readJsonObject(source, 'text_encoder_2/config.json', options),
    readJsonObject(source, 'unet/config.json', options),
    readJsonObject(source, 'vae/config.json', options),
    readSchedulerJson(source, options),
    readDefaultsJson(source, options),
  ]);
  return { modelIndex, textEncoder, textEncoder2, unet, vae, scheduler, defaults };
}

/** The refiner's index says `[null, null]` of the text encoder it goes without. */
function hasFirstEncoder({ text_encoder: entry }: JsonObject): boolean {
  return !Array.isArray(entry) || entry.some((value) => value !== null);
}
