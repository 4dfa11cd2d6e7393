import { bandToWhole, sampleEvenly, wholePicture } from '@pleinair/kernels';
import { bytesPerElement, Graph, WeightScope, type PaletteLookup, type Tensor } from '@pleinair/tensor';
import { vaeFactor, type VaeConfig } from '../config.js';
import { vaeNormEps } from '../decoder.js';
import { encoderCoarseLevel } from '../encoder.js';
import type { BandWalk, NormOfBand } from './band-layers.js';
import { encoderFineLevels } from './encoder-fine-levels.js';
import { encoderLag, encoderSizes, type EncoderSizes } from './encoder-sizes.js';
import { NormSources } from './norm-sources.js';
import type { BandSegment } from './run-bands.js';
import { slicedAttention } from './sliced-attention.js';

/** An encode in bands: its graph, and how often its segments run. */
export interface TiledEncoder {
  readonly graph: Graph;
  readonly sizes: EncoderSizes;
  /** Bands of one pass: from 0 to this, less one, written to `band` before each run of a segment that runs by bands. */
  readonly bands: number;
}

/** Segments of {@link tiledEncoderGraph} in the order in which they run. */
export const tiledEncoderSegments: readonly BandSegment[] = [
  { name: 'guess', byBands: false },
  { name: 'gather', byBands: true },
  { name: 'correct', byBands: false },
  { name: 'encode', byBands: true },
  { name: 'finish', byBands: false },
];

/**
 * Records an encode in bands of rows, in bounded memory, without seams, as `tiledDecoderGraph` does a decode. The level of
 * the latents' own size runs whole.
 *
 * Inputs: `image` `[1, 8h, 8w, imageChannels]` in −1…1; `band` u32 `[1]`. Output: `moments` `[1, h, w, 2·latentChannels]`,
 * the latents' mean and log-variance, not yet scaled.
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
    /** The checkpoint's palettized tensors. */
    readonly palettes?: PaletteLookup;
  },
): TiledEncoder {
  const { height, width } = shape;
  const dtype = config.forceUpcast ? 'f32' : shape.dtype;
  const g = new Graph('vae_encoder_tiled', { dtype, weightStorage: shape.dtype, palettes: shape.palettes });
  const sizes = shape.sizes ?? encoderSizes(config, height, width, bytesPerElement(dtype));
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
  const small = (normOf: NormOfBand): void => {
    const copy = sampleEvenly(g, picture, { size: sizes.copy, label: 'small-copy' });
    encoderFineLevels(walk('whole', normOf), scope, config, wholePicture(copy, position), { rows: 0, finish: false });
  };
  small(sources.guess);

  g.segment('gather');
  encoderFineLevels(walk('bands', sources.gather), scope, config, image, { rows: sizes.rows, finish: false });

  g.segment('correct');
  small(sources.correct);

  g.segment('encode');
  const band = encoderFineLevels(walk('bands', sources.apply), scope, config, image, {
    rows: sizes.rows,
    finish: true,
  })!;
  const into = g.hold(g.tensor('features', [1, height, width, config.channels.at(-2)!]));
  bandToWhole(g, band, { into, label: 'features' });

  g.segment('finish');
  const coarse = {
    onLoadPixels: 0,
    attention: (at: WeightScope, x: Tensor): Tensor => slicedAttention(g, at, x, norm, position),
  };
  // Its own input is the first thing it adds onto.
  g.output('moments', encoderCoarseLevel(g, root, config, g.release(into), coarse));
  const bands = Math.ceil((height + encoderLag(config)) / (sizes.rows / factor));
  for (const { name, byBands } of tiledEncoderSegments) g.repeat(name, byBands ? bands : 1);
  return { graph: g, sizes, bands };
}
