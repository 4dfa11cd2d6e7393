import { Graph, WeightScope, type PaletteLookup } from '@pleinair/tensor';
import { vaeFactor, type VaeConfig } from './config.js';
import { vaeEncoder } from './encoder.js';

/**
 * Records an encode with one segment, `encode`.
 *
 * Input: `image` `[batch, 8h, 8w, imageChannels]` in −1…1. Output: `moments` `[batch, h, w, 2·latentChannels]`, the latents'
 * mean and log-variance, not yet scaled.
 *
 * @param shape.height - Of the latents, h.
 * @param shape.width - Of the latents, w.
 */
export function encoderGraph(
  config: VaeConfig,
  shape: { batch: number; height: number; width: number; dtype: 'f16' | 'f32'; palettes?: PaletteLookup },
): Graph {
  const { batch, height, width } = shape;
  const factor = vaeFactor(config);
  const g = new Graph('vae_encoder', {
    dtype: config.forceUpcast ? 'f32' : shape.dtype,
    weightStorage: shape.dtype,
    palettes: shape.palettes,
  });
  g.segment('encode');
  const image = g.input('image', [batch, height * factor, width * factor, config.imageChannels]);
  g.output('moments', vaeEncoder(g, new WeightScope(g), config, image));
  return g;
}
