import { readDefaultsJson, readJsonObject, readSchedulerJson } from '@pleinair/diffusion';
import type { ModelSource } from '@pleinair/weights';
import { checkArchitecture, type SdFiles } from './model-config.js';

/**
 * Reads the JSON files of a Stable Diffusion 1.x model folder in diffusers layout; `pleinair.json` may be absent.
 *
 * @throws `ConfigError` `config/unknown-architecture` before any part is looked at, `config/not-an-object`; `WeightError`
 *   where a file is missing or no JSON; `SchedulerError` for a broken scheduler config.
 */
export async function readSdFiles(source: ModelSource, options: { signal?: AbortSignal } = {}): Promise<SdFiles> {
  const modelIndex = await readJsonObject(source, 'model_index.json', options);
  checkArchitecture(modelIndex);
  const [textEncoder, unet, vae, scheduler, defaults] = await Promise.all([
    readJsonObject(source, 'text_encoder/config.json', options),
    readJsonObject(source, 'unet/config.json', options),
    readJsonObject(source, 'vae/config.json', options),
    readSchedulerJson(source, options),
    readDefaultsJson(source, options),
  ]);
  return { modelIndex, textEncoder, unet, vae, scheduler, defaults };
}
