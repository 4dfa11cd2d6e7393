import { ConfigError } from '@pleinair/diffusion';
import { parseSchedulerConfig } from '@pleinair/schedulers';
import type { ModelSource } from '@pleinair/weights';
import { checkArchitecture, type SdxlFiles } from './model-config.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the JSON files of a model folder in diffusers layout; `pleinair.json` may be absent.
 *
 * @throws `ConfigError` `config/unknown-architecture` before any part is looked at, `config/not-an-object`; `WeightError`
 *   where a file is missing or no JSON; `SchedulerError` for a broken scheduler config.
 */
export async function readSdxlFiles(source: ModelSource, options: { signal?: AbortSignal } = {}): Promise<SdxlFiles> {
  const read = async (path: string): Promise<Json> => {
    const value = await source.readJson(path, options);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
    throw new ConfigError(
      'config/not-an-object',
      `${path}: expected a JSON object, got ${JSON.stringify(value).slice(0, 40)}. Download the model again.`,
    );
  };
  // The index first: what a model of another kind lacks is not worth telling.
  const modelIndex = await read('model_index.json');
  checkArchitecture(modelIndex);
  const [textEncoder, textEncoder2, unet, vae, scheduler, defaults] = await Promise.all([
    read('text_encoder/config.json'),
    read('text_encoder_2/config.json'),
    read('unet/config.json'),
    read('vae/config.json'),
    // As text: Python writes infinities there, which JSON does not know.
    source.readText('scheduler/scheduler_config.json', options).then(parseSchedulerConfig),
    source.exists('pleinair.json', options).then((there) => (there ? read('pleinair.json') : undefined)),
  ]);
  return { modelIndex, textEncoder, textEncoder2, unet, vae, scheduler, defaults };
}
