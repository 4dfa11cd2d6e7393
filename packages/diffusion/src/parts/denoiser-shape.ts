import type { DenoiserShape } from '../denoise/denoiser-graph.js';
import type { LatentModelConfig } from '../pipeline/latent-model.js';
import { latentSize, type PipelineShape } from './pipeline-shape.js';

/**
 * What the denoiser's graph of any family depends on, of a run's shape.
 *
 * @param tokens - Of a chunk of the prompt.
 * @throws ShapeError `shape/size`.
 */
export function denoiserShape(
  config: Pick<LatentModelConfig, 'vae' | 'latentToRgb'>,
  shape: PipelineShape,
  tokens: number,
): DenoiserShape {
  return {
    pictures: shape.pictures,
    ...latentSize(config.vae, shape.width, shape.height),
    tokens: tokens * shape.chunks,
    guided: shape.guided,
    halves: shape.halves,
    ...shape.solver,
    dtype: shape.precision,
    preview: shape.preview ? config.latentToRgb : undefined,
    rescale: shape.rescale,
    blend: shape.blend,
  };
}
