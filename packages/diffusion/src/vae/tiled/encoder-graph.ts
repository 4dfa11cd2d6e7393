import { bandToWhole, groupMoments, nextCode, sampleEvenly, wholePicture, type BandTensor } from '@pleinair/kernels';
import { bytesPerElement, Graph, WeightScope, type PaletteLookup, type Tensor } from '@pleinair/tensor';
import { vaeFactor, type VaeConfig } from '../config.js';
import { vaeNormEps } from '../decoder.js';
import type { BandWalk, NormOfBand } from './band-layers.js';
import { bandScratchBytes } from './band-sizes.js';
import { encoderFineLevels } from './encoder-fine-levels.js';
import { encoderLag, encoderSizes, type EncoderSizes } from './encoder-sizes.js';
import { LatentLevel, type LevelPicture } from './latent-level.js';
import { levelMidBlock } from './level-attention.js';
import { levelSizes, type LevelSizes } from './level-sizes.js';
import { NormSources } from './norm-sources.js';
import { bandSteps, type BandStep } from './run-bands.js';

/** An encode in bands: its graph, and how it runs. */
export interface TiledEncoder {
  readonly graph: Graph;
  readonly sizes: EncoderSizes;
  /** How the latents' own level is cut. */
  readonly level: LevelSizes;
  /** Bands of one pass over the picture. */
  readonly bands: number;
  /** Runs of its segments, in order. */
  readonly steps: readonly BandStep[];
}

/**
 * Records an encode in bands of rows, in bounded memory, without seams, as `tiledDecoderGraph` does a decode.
 *
 * Inputs: `image` `[1, 8h, 8w, imageChannels]` in −1…1; `band` and `chunk` u32 `[1]`, written by `runTiledEncoder`. Output:
 * `moments` `[1, h, w, 2·latentChannels]`, the latents' mean and log-variance, not yet scaled.
 *
 * @param shape.height - Of the latents, h.
 * @param shape.width - Of the latents, w.
 * @throws ShapeError `shape/mismatch` for rows that do not divide among the levels.
 */
export function tiledEncoderGraph(
  config: VaeConfig,
  shape: {
    readonly height: number;
    readonly width: number;
    readonly dtype: 'f16' | 'f32';
    readonly sizes?: EncoderSizes;
    readonly level?: LevelSizes;
    /** The checkpoint's palettized tensors. */
    readonly palettes?: PaletteLookup;
  },
): TiledEncoder {
  const { height, width } = shape;
  const dtype = config.forceUpcast ? 'f32' : shape.dtype;
  const g = new Graph('vae_encoder_tiled', {
    dtype,
    weightStorage: shape.dtype,
    palettes: shape.palettes,
    scratchBytes: bandScratchBytes,
  });
  const sizes = shape.sizes ?? encoderSizes(config, height, width, bytesPerElement(dtype));
  const channels = config.channels.at(-1)!;
  const cut = shape.level ?? levelSizes({ height, width, channels }, dtype);
  const norm = { groups: config.normGroups, eps: vaeNormEps };
  const sources = new NormSources(g, norm);
  const root = new WeightScope(g);
  const scope = root.in('encoder');
  const walk = (mode: BandWalk['mode'], normOf: NormOfBand): BandWalk => ({ graph: g, mode, normOf });
  const factor = vaeFactor(config);

  g.segment('guess');
  const picture = g.input('image', [1, height * factor, width * factor, config.imageChannels]);
  const position = g.input('band', [1], 'u32');
  const image = wholePicture(picture, position);
  const small = (normOf: NormOfBand, finish: boolean): BandTensor | undefined => {
    const copy = sampleEvenly(g, picture, { size: sizes.copy, label: 'small-copy' });
    return encoderFineLevels(walk('whole', normOf), scope, config, wholePicture(copy, position), { rows: 0, finish });
  };
  small(sources.guess, false);

  g.segment('gather');
  encoderFineLevels(walk('bands', sources.gather), scope, config, image, { rows: sizes.rows, finish: false });

  g.segment('correct');
  const code = codeOf(g, small(sources.correct, cut.halves), norm.groups);

  g.segment('encode');
  const band = encoderFineLevels(walk('bands', sources.apply), scope, config, image, {
    rows: sizes.rows,
    finish: true,
  })!;
  const level = new LatentLevel(g, norm, position, { height, width }, cut);
  const features = level.keep(band, { code, label: 'features' });
  const bands = Math.ceil((height + encoderLag(config)) / (sizes.rows / factor));
  for (const name of ['gather', 'encode']) g.repeat(name, bands);
  encoderLevel(level, root, config, features);
  // Loaded once: they share what they read, and are little beside what the segments before them read.
  g.loadTogether(...new Set(level.steps.map(({ segment }) => segment)));
  const steps = [
    ...bandSteps('guess', 1),
    ...bandSteps('gather', bands),
    ...bandSteps('correct', 1),
    ...bandSteps('encode', bands),
    ...level.steps,
  ];
  return { graph: g, sizes, level: cut, bands, steps };
}

/** The code that features are kept in: by the moments of the small copy's. */
function codeOf(g: Graph, features: BandTensor | undefined, groups: number): Tensor | undefined {
  if (!features) return undefined;
  const moments = groupMoments(g, features, { groups, label: 'features/copy' });
  return nextCode(g, moments, { channels: features.tensor.shape.at(-1)!, label: 'features/code' });
}

/** The encoder's level of the latents' own size: the last block's resnets, the middle and the last convolutions. */
function encoderLevel(level: LatentLevel, root: WeightScope, config: VaeConfig, features: LevelPicture): void {
  const { graph: g, sizes, size } = level;
  const { rows } = sizes;
  const scope = root.in('encoder');
  const outChannels = 2 * config.latentChannels;
  let hidden = features;
  for (let j = 0; j < config.layersPerBlock; j++) {
    const resnet = scope.in(`down_blocks.${config.channels.length - 1}.resnets.${j}`);
    hidden = level.resnet(resnet, hidden, config.channels.at(-1)!);
  }
  hidden = levelMidBlock(level, scope.in('mid_block'), hidden, config.midBlockAttention);
  level.begin(scope.in('conv_out').prefix, 0);
  const normed = level.normed(scope.in('conv_norm_out'), hidden);
  let band = level.conv(scope.in('conv_out'), normed, { outChannels, kernel: 3, rows, lag: 0 });
  if (config.quantConv) band = level.conv(root.in('quant_conv'), band, { outChannels, kernel: 1, rows, lag: 0 });
  const into = g.state('moments', [1, size.height, size.width, outChannels]);
  bandToWhole(g, band, { into, label: 'moments' });
}
