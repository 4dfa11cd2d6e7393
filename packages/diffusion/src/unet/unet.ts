import { conv2d, convWeight } from '@pleinair/kernels';
import { plainRows, ShapeError, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import type { UNetConfig, UNetLevel } from './config.js';
import { normSiluConv, resnetBlock, type NormSettings } from '../blocks/resnet-block.js';
import type { TimeProjections } from './time-projections.js';
import { transformer2d, type CrossContext } from './transformer.js';

/** The inputs of one UNet evaluation. */
export interface UNetInputs {
  /** The scaled noisy latents, `[batch, h, w, inChannels]`. */
  readonly sample: Tensor;
  readonly time: TimeProjections;
  readonly context: CrossContext;
}

/**
 * Records diffusers' UNet2DConditionModel. Fields and scopes carry the checkpoint's names, so this can be read beside it.
 *
 * @returns The model's output (noise or velocity), f32 `[batch, h, w, outChannels]`.
 */
export function unet(g: Graph, scope: WeightScope, config: UNetConfig, inputs: UNetInputs): Tensor {
  const { sample, time, context } = inputs;
  const factor = 2 ** (config.levels.length - 1);
  const [, height, width, channels] = sample.shape as [number, number, number, number];
  if (channels !== config.inChannels) {
    throw new ShapeError(
      'shape/mismatch',
      `unet: expected latents of ${config.inChannels} channels, got ${channels}. Use the pipeline made for this model.`,
    );
  }
  if (height < factor || width < factor) {
    throw new ShapeError(
      'shape/too-small',
      `unet: expected latents of at least ${factor}×${factor}, got ${width}×${height}. Ask for a larger picture.`,
    );
  }
  const onLoadPixels = height * width;
  const norm: NormSettings = { groups: config.normGroups, eps: config.normEps, onLoadPixels, measured: true };
  const block = (blockScope: WeightScope, x: Tensor, outChannels: number, second?: Tensor): Tensor => {
    const perImage = time.of(blockScope.in('time_emb_proj'), outChannels);
    return resnetBlock(g, blockScope, x, { outChannels, norm, perImage, second });
  };
  const attend = (attentionScope: WeightScope, x: Tensor, level: UNetLevel): Tensor =>
    transformer2d(g, attentionScope, x, {
      heads: level.heads,
      layers: level.transformerLayers,
      groups: config.normGroups,
      linearProjection: config.linearProjection,
      measured: norm.measured,
      context,
    });

  const convIn = scope.in('conv_in');
  const first = config.levels[0]!.channels;
  let hidden = conv2d(g, sample, convWeight(convIn, first, [channels], 3), {
    bias: convIn.weight('bias', [first], plainRows),
    measured: norm.measured,
    label: convIn.prefix,
  });

  const skips: Tensor[] = [hidden];
  config.levels.forEach((level, i) => {
    const down = scope.in(`down_blocks.${i}`);
    for (let j = 0; j < config.layersPerBlock; j++) {
      hidden = block(down.in(`resnets.${j}`), hidden, level.channels);
      if (level.transformerLayers) hidden = attend(down.in(`attentions.${j}`), hidden, level);
      skips.push(hidden);
    }
    if (i < config.levels.length - 1) {
      hidden = resample(g, down.in('downsamplers.0.conv'), hidden, { stride: 2, measured: norm.measured });
      skips.push(hidden);
    }
  });

  const mid = scope.in('mid_block');
  const coarsest = config.midLevel.channels;
  hidden = block(mid.in('resnets.0'), hidden, coarsest);
  hidden = attend(mid.in('attentions.0'), hidden, config.midLevel);
  hidden = block(mid.in('resnets.1'), hidden, coarsest);

  config.upLevels.forEach((level, i) => {
    const up = scope.in(`up_blocks.${i}`);
    for (let j = 0; j <= config.layersPerBlock; j++) {
      hidden = block(up.in(`resnets.${j}`), hidden, level.channels, skips.pop());
      if (level.transformerLayers) hidden = attend(up.in(`attentions.${j}`), hidden, level);
    }
    if (i < config.upLevels.length - 1) {
      // A stride-2 convolution rounds up, so an odd size comes back one larger: crop to the skip it must meet.
      const [, skipHeight, skipWidth] = skips.at(-1)!.shape as [number, number, number, number];
      const cropTo = [skipHeight, skipWidth] as const;
      hidden = resample(g, up.in('upsamplers.0.conv'), hidden, { upsample: 2, cropTo, measured: norm.measured });
    }
  });

  return normSiluConv(g, { norm: scope.in('conv_norm_out'), conv: scope.in('conv_out') }, hidden, {
    outChannels: config.outChannels,
    norm,
    outDtype: 'f32',
  });
}

function resample(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  how: { stride?: 2; upsample?: 2; cropTo?: readonly [height: number, width: number]; measured?: boolean },
): Tensor {
  const channels = x.shape.at(-1)!;
  return conv2d(g, x, convWeight(scope, channels, [channels], 3), {
    bias: scope.weight('bias', [channels], plainRows),
    ...how,
    label: scope.prefix,
  });
}
