import { linear, linearWeight, sinusoidalEmbedding, concatChannels } from '@pleinair/kernels';
import { plainRows, ShapeError, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import type { UNetConfig } from './config.js';

/** Width of the time embedding: four times the finest level, as diffusers fixes it. */
export function timeEmbedDim(config: UNetConfig): number {
  return config.levels[0]!.channels * 4;
}

/**
 * Sinusoids of the timesteps, then `time_embedding.linear_1`, SiLU, `linear_2`, plus the added conditioning if any.
 *
 * @param timesteps - f32 `[rows, 1]`: equally many for each image, image by image.
 * @param also.added - `[batch, 4·c0]`, from {@link addedEmbedding}, for each row of an image.
 * @param also.guidanceEmbedding - f32 `[rows, timeCondDim]`, projected and added to the sinusoids.
 * @returns f32 `[rows, 4·c0]`, before the SiLU that every consumer applies.
 */
export function timeEmbedding(
  g: Graph,
  scope: WeightScope,
  config: UNetConfig,
  timesteps: Tensor,
  also: { readonly added?: Tensor; readonly guidanceEmbedding?: Tensor } = {},
): Tensor {
  const sinusoids = sinusoidalEmbedding(g, timesteps, {
    dim: config.levels[0]!.channels,
    flipSinToCos: config.flipSinToCos,
    shift: config.freqShift,
    outDtype: 'f32',
    label: 'time_proj',
  });
  const embedding = scope.in('time_embedding');
  const { guidanceEmbedding } = also;
  const projection = embedding.in('cond_proj');
  const projected = guidanceEmbedding
    ? linear(
        g,
        guidanceEmbedding,
        linearWeight(projection, config.levels[0]!.channels, guidanceEmbedding.shape.at(-1)!),
        { residual: sinusoids, label: projection.prefix },
      )
    : sinusoids;
  return embeddingMlp(g, embedding, projected, timeEmbedDim(config), also.added);
}

/**
 * SDXL's added conditioning: pooled text and the sinusoids of the size numbers, through `add_embedding`.
 *
 * @param pooled - f32 `[batch, p]`.
 * @param timeIds - f32 `[batch, n]`: original size, crop corner, target size (base, n = 6) or with an aesthetic score
 *   (refiner, n = 5).
 * @returns `[batch, 4·c0]`; depends on the prompt only.
 */
export function addedEmbedding(
  g: Graph,
  scope: WeightScope,
  config: UNetConfig,
  pooled: Tensor,
  timeIds: Tensor,
): Tensor {
  const { timeEmbedDim: dim, inputDim } = config.textTime!;
  const got = pooled.shape[1]! + timeIds.shape[1]! * dim;
  if (got !== inputDim) {
    throw new ShapeError(
      'shape/mismatch',
      `add_embedding: expected pooled text (${pooled.shape[1]}) and ${timeIds.shape[1]} size numbers of ${dim} to make ` +
        `projection_class_embeddings_input_dim ${inputDim}, got ${got}. Check that text encoder 2 and UNet belong together.`,
    );
  }
  const sinusoids = sinusoidalEmbedding(g, timeIds, {
    dim,
    flipSinToCos: config.flipSinToCos,
    shift: config.freqShift,
    outDtype: 'f32',
    label: 'add_time_proj',
  });
  const joined = concatChannels(g, pooled, sinusoids, { label: 'add_embedding' }); // text first, then sizes
  return embeddingMlp(g, scope.in('add_embedding'), joined, timeEmbedDim(config));
}

/** diffusers' TimestepEmbedding. Kept in f32: these are a few numbers that steer everything. */
function embeddingMlp(g: Graph, scope: WeightScope, x: Tensor, dim: number, perImage?: Tensor): Tensor {
  const first = scope.in('linear_1');
  const second = scope.in('linear_2');
  const hidden = linear(g, x, linearWeight(first, dim, x.shape.at(-1)!), {
    bias: first.weight('bias', [dim], plainRows),
    activation: 'silu',
    label: first.prefix,
  });
  return linear(g, hidden, linearWeight(second, dim, dim), {
    bias: second.weight('bias', [dim], plainRows),
    perImage,
    label: second.prefix,
  });
}
