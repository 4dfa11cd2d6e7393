import { LatentPipeline, type PipelineOptions } from '@pleinair/diffusion';
import type { Device } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
import { readSdFiles } from './files.js';
import { readSdConfig, type SdConfig } from './model-config.js';
import { sdModel } from './sd-model.js';

/** A pipeline of Stable Diffusion 1.x or 2.x. */
export type SdPipeline = LatentPipeline<SdConfig>;

/**
 * Opens a Stable Diffusion model in diffusers layout: reads descriptions, the tokenizer and the headers of weights. A safety
 * checker is left where it is.
 *
 * @throws `ConfigError` where it is another model, what `LatentPipeline.open` throws where it lacks a part.
 */
export async function openSd(source: ModelSource, device: Device, options: PipelineOptions = {}): Promise<SdPipeline> {
  const config = readSdConfig(await readSdFiles(source, { signal: options.signal }));
  return LatentPipeline.open(sdModel(config), source, device, options);
}
