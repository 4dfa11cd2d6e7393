import { LatentPipeline, type PipelineOptions } from '@pleinair/diffusion';
import type { Device } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
import { readSdxlFiles } from './files.js';
import { readSdxlConfig, type SdxlConfig } from './model-config.js';
import { sdxlModel } from './sdxl-model.js';

/** A pipeline of SDXL. */
export type SdxlPipeline = LatentPipeline<SdxlConfig>;

/**
 * Opens an SDXL model in diffusers layout: reads descriptions, tokenizers and the headers of weights.
 *
 * @throws `ConfigError` where it is not SDXL, what `LatentPipeline.open` throws where it lacks a part.
 */
export async function openSdxl(
  source: ModelSource,
  device: Device,
  options: PipelineOptions = {},
): Promise<SdxlPipeline> {
  const config = readSdxlConfig(await readSdxlFiles(source, { signal: options.signal }));
  return LatentPipeline.open(sdxlModel(config), source, device, options);
}
