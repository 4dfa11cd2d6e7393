import { latentsToRgba, scaleBy } from '@pleinair/kernels';
import { Graph, WeightScope, type PaletteLookup } from '@pleinair/tensor';
import { vaeFactor, type VaeConfig } from './config.js';
import { vaeDecoder } from './decoder.js';

/**
 * Records a decode with one segment, `decode`.
 *
 * Input: `latents` f32 `[batch, h, w, c]`, still scaled, as the denoiser leaves them. Outputs: `rgba` u32
 * `[batch, 8h, 8w]`, a picture's pixels packed little-endian R, G, B, A.
 */
export function decoderGraph(
  config: VaeConfig,
  shape: { batch: number; height: number; width: number; dtype: 'f16' | 'f32'; palettes?: PaletteLookup },
): Graph {
  const { batch, height, width } = shape;
  // A checkpoint that overflows half floats keeps f32 activations; its weights may still be stored as f16.
  const g = new Graph('vae_decoder', {
    dtype: config.forceUpcast ? 'f32' : shape.dtype,
    weightStorage: shape.dtype,
    palettes: shape.palettes,
  });
  g.segment('decode');
  const latents = g.input('latents', [batch, height, width, config.latentChannels], 'f32');
  const scaled = scaleBy(g, latents, 1 / config.scalingFactor, { outDtype: g.dtype, label: 'scale' });
  const image = vaeDecoder(g, new WeightScope(g), config, scaled); // [batch, 8h, 8w, 3] in −1…1
  g.output('rgba', latentsToRgba(g, image, { label: 'rgba' }));
  return g;
}

/** Picture size a latent size decodes to. */
export function decodedSize(config: VaeConfig, height: number, width: number): { height: number; width: number } {
  return { height: height * vaeFactor(config), width: width * vaeFactor(config) };
}
