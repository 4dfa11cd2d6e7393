import { isPleinairError } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
import type { SdxlFiles } from './model-config.js';

type Json = Readonly<Record<string, unknown>>;

/** Reads the JSON files of a model folder in diffusers layout; `pleinair.json` may be absent. */
export async function readSdxlFiles(source: ModelSource, options: { signal?: AbortSignal } = {}): Promise<SdxlFiles> {
  const read = async (path: string): Promise<Json> => (await source.readJson(path, options)) as Json;
  // The index first: where it is missing, that is the one thing to say.
  const modelIndex = await read('model_index.json');
  const [textEncoder, textEncoder2, unet, vae, scheduler, defaults] = await Promise.all([
    read('text_encoder/config.json'),
    read('text_encoder_2/config.json').catch((error: unknown) => {
      // Not SDXL at all (SD 1.5 has one encoder): the architecture check says it better.
      if (isPleinairError(error) && modelIndex['_class_name'] !== 'StableDiffusionXLPipeline') return {};
      throw error;
    }),
    read('unet/config.json'),
    read('vae/config.json'),
    read('scheduler/scheduler_config.json'),
    source.exists('pleinair.json', options).then((there) => (there ? read('pleinair.json') : undefined)),
  ]);
  return { modelIndex, textEncoder, textEncoder2, unet, vae, scheduler, defaults };
}
