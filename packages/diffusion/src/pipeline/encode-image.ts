import type { ProgramPlan } from '@pleinair/tensor';
import type { Part, PartUse } from '../parts/part.js';
import type { PipelineShape } from '../parts/pipeline-shape.js';
import { encoderSteps } from '../parts/vae-tiling.js';
import type { VaeConfig } from '../vae/config.js';
import { runTiledEncoder } from '../vae/tiled/encode-tiled.js';

/** What the VAE makes of a picture: a normal distribution of latents, not yet scaled; each f32 `[h, w, c]`. */
export interface Posterior {
  readonly mean: Float32Array<ArrayBuffer>;
  readonly deviation: Float32Array<ArrayBuffer>;
}

/**
 * Encodes pictures, the encoder loaded once for all.
 *
 * @param plan - The encoder's for the shape.
 * @param pictures - `[8h, 8w, 3]` in −1…1.
 */
export function encodeImages(
  part: Part,
  config: VaeConfig,
  plan: ProgramPlan,
  shape: PipelineShape,
  pictures: readonly Float32Array[],
  use: PartUse,
): Promise<Posterior[]> {
  const tiled = shape.encoder === 'tiled';
  const steps = tiled ? encoderSteps(config, shape) : [];
  return part.use(plan, use, async (program) => {
    const posteriors: Posterior[] = [];
    for (const picture of pictures) {
      program.write('image', Float32Array.from(picture));
      if (tiled) {
        // In turn, so that no more weights are there than the segment about to run reads.
        const before = (segment: string): Promise<void> => part.ready(program, segment, use);
        await runTiledEncoder(program, { steps }, { ...part.running(use), before });
      } else {
        await part.ready(program, 'encode', use);
        await program.run('encode', part.running(use));
      }
      posteriors.push(posteriorOf((await program.read('moments')) as Float32Array, config.latentChannels));
    }
    return posteriors;
  });
}

/** Splits means from log-variances, which diffusers clamps so that a deviation is neither nothing nor without bound. */
function posteriorOf(moments: Float32Array, channels: number): Posterior {
  const pixels = moments.length / (2 * channels);
  const mean = new Float32Array(pixels * channels);
  const deviation = new Float32Array(pixels * channels);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) {
      mean[p * channels + c] = moments[2 * p * channels + c]!;
      const logVariance = Math.min(20, Math.max(-30, moments[(2 * p + 1) * channels + c]!));
      deviation[p * channels + c] = Math.exp(logVariance / 2);
    }
  }
  return { mean, deviation };
}
