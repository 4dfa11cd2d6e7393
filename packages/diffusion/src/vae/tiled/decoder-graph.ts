import { bandToRgba, scaleBy, type BandTensor } from '@pleinair/kernels';
import { bytesPerElement, Graph, WeightScope, type PaletteLookup, type Tensor } from '@pleinair/tensor';
import { vaeFactor, type VaeConfig } from '../config.js';
import { vaeNormEps } from '../decoder.js';
import type { BandWalk, NormOfBand } from './band-layers.js';
import { bandScratchBytes, bandSizes, type BandSizes } from './band-sizes.js';
import { decoderFineLevels, smallCopy } from './fine-levels.js';
import { LatentLevel, type LevelPicture } from './latent-level.js';
import { levelMidBlock } from './level-attention.js';
import { levelSizes, type LevelSizes } from './level-sizes.js';
import { NormSources } from './norm-sources.js';
import { bandSteps, type BandStep } from './run-bands.js';

/** A decode in bands: its graph, and how it runs. */
export interface TiledDecoder {
  readonly graph: Graph;
  readonly sizes: BandSizes;
  /** How the latents' own level is cut. */
  readonly level: LevelSizes;
  /** Bands of one pass over the picture. */
  readonly bands: number;
  /** Runs of its segments, in order. */
  readonly steps: readonly BandStep[];
}

/**
 * Records a decode in bands of rows, in bounded memory, without seams: every norm has one statistic for the whole picture,
 * and bands hand on the rows that the next ones need, so that nothing is computed twice within a pass.
 *
 * Inputs: `latents` f32 `[1, h, w, c]`, still scaled; `band` and `chunk` u32 `[1]`, written by `runTiledDecoder`. Output:
 * `rgba` u32 `[1, 8h, 8w]`, as `decoderGraph` gives it.
 *
 * @throws ShapeError `shape/mismatch` for rows that do not divide among the levels.
 */
export function tiledDecoderGraph(
  config: VaeConfig,
  shape: {
    readonly height: number;
    readonly width: number;
    readonly dtype: 'f16' | 'f32';
    readonly sizes?: BandSizes;
    readonly level?: LevelSizes;
    /** The checkpoint's palettized tensors. */
    readonly palettes?: PaletteLookup;
  },
): TiledDecoder {
  const { height, width } = shape;
  const dtype = config.forceUpcast ? 'f32' : shape.dtype;
  const g = new Graph('vae_decoder_tiled', {
    dtype,
    weightStorage: shape.dtype,
    palettes: shape.palettes,
    scratchBytes: bandScratchBytes,
  });
  const sizes = shape.sizes ?? bandSizes(config, height, width, bytesPerElement(dtype));
  const channels = config.channels.at(-1)!;
  const cut = shape.level ?? levelSizes({ height, width, channels }, dtype);
  const norm = { groups: config.normGroups, eps: vaeNormEps };
  const sources = new NormSources(g, norm);
  const scope = new WeightScope(g).in('decoder');
  const walk = (mode: BandWalk['mode'], normOf: NormOfBand): BandWalk => ({ graph: g, mode, normOf });

  g.segment('begin');
  const latents = g.input('latents', [1, height, width, config.latentChannels], 'f32');
  const position = g.input('band', [1], 'u32');
  const level = new LatentLevel(g, norm, position, { height, width }, cut);
  const start = g.hold(scaledLatents(level, config, latents));
  level.begin(scope.in('conv_in').prefix, 0);
  const features = decoderLevel(level, scope, config, start);

  // Finished once, so that the small copy has met every layer.
  const small = (normOf: NormOfBand, guess = false): void => {
    const whole = walk('whole', normOf);
    const copy = smallCopy(whole, features.whole, sizes.every);
    decoderFineLevels(whole, scope, config, { ...features, whole: copy }, { rows: 0, finish: guess });
  };
  const bands = (normOf: NormOfBand, finish: boolean): BandTensor | undefined =>
    decoderFineLevels(walk('bands', normOf), scope, config, features, { rows: sizes.rows, finish });
  g.segment('guess');
  small(sources.guess, true);
  g.segment('gather');
  bands(sources.gather, false);
  g.segment('correct');
  small(sources.correct);
  g.segment('paint');
  const image = bands(sources.apply, true)!;
  const factor = vaeFactor(config);
  const rgba = g.state('rgba', [1, height * factor, width * factor], 'u32');
  bandToRgba(g, image, { into: rgba, label: 'rgba' });

  const bandCount = Math.ceil((height * factor + image.window.offset) / sizes.rows);
  for (const name of ['gather', 'paint']) g.repeat(name, bandCount);
  // A run of pictures finds the weights there: none has to come between bands.
  g.loadTogether(...g.segments.map(({ name }) => name));
  const steps = [
    ...bandSteps('begin', 1),
    ...level.steps,
    ...bandSteps('guess', 1),
    ...bandSteps('gather', bandCount),
    ...bandSteps('correct', 1),
    ...bandSteps('paint', bandCount),
  ];
  return { graph: g, sizes, level: cut, bands: bandCount, steps };
}

/** `[1, h, w, latentChannels]`, through the first layer where the checkpoint has one. */
function scaledLatents(level: LatentLevel, config: VaeConfig, latents: Tensor): Tensor {
  const { graph: g } = level;
  const scaled = scaleBy(g, latents, 1 / config.scalingFactor, { outDtype: g.dtype, label: 'scale' });
  if (!config.postQuantConv) return scaled;
  const options = {
    outChannels: config.latentChannels,
    kernel: 1,
    rows: level.size.height,
    lag: 0,
    fixed: true,
  } as const;
  return level.conv(new WeightScope(g).in('post_quant_conv'), level.whole(scaled), options).tensor;
}

/** The decoder's level of the latents' own size: the first convolution, the middle and the first block's resnets. */
function decoderLevel(level: LatentLevel, scope: WeightScope, config: VaeConfig, latents: Tensor): LevelPicture {
  const conv = scope.in('conv_in');
  const outChannels = config.channels.at(-1)!;
  const { rows } = level.sizes;
  const entered = level.conv(conv, level.whole(latents), { outChannels, kernel: 3, rows, lag: 0 });
  let hidden = level.keep(entered, { label: conv.prefix });
  hidden = levelMidBlock(level, scope.in('mid_block'), hidden, config.midBlockAttention);
  for (let j = 0; j <= config.layersPerBlock; j++) {
    hidden = level.resnet(scope.in(`up_blocks.0.resnets.${j}`), hidden, outChannels);
  }
  return hidden;
}
