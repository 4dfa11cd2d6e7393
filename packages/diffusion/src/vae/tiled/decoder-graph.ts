import { bandToRgba, scaleBy, wholePicture, type BandTensor } from '@pleinair/kernels';
import { bytesPerElement, Graph, WeightScope, type PaletteLookup, type Tensor } from '@pleinair/tensor';
import { vaeFactor, type VaeConfig } from '../config.js';
import { decoderCoarseLevel, vaeNormEps } from '../decoder.js';
import type { BandWalk, NormOfBand } from './band-layers.js';
import { bandSizes, type BandSizes } from './band-sizes.js';
import { decoderFineLevels, smallCopy } from './fine-levels.js';
import { NormSources } from './norm-sources.js';
import type { BandSegment } from './run-bands.js';
import { slicedAttention } from './sliced-attention.js';

/** A decode in bands: its graph, and how often its segments run. */
export interface TiledDecoder {
  readonly graph: Graph;
  readonly sizes: BandSizes;
  /** Bands of one pass: from 0 to this, less one, written to `band` before each run of a segment that runs by bands. */
  readonly bands: number;
}

/** Segments of {@link tiledDecoderGraph} in the order in which they run; `byBands` once a band, the others once. */
export const tiledDecoderSegments: readonly BandSegment[] = [
  { name: 'coarse', byBands: false },
  { name: 'gather', byBands: true },
  { name: 'correct', byBands: false },
  { name: 'paint', byBands: true },
];

/**
 * Records a decode in bands of rows, in bounded memory, without seams: every norm has one statistic for the whole picture,
 * and bands hand on the rows that the next ones need, so that nothing is computed twice within a pass.
 *
 * Inputs: `latents` f32 `[1, h, w, c]`, still scaled; `band` u32 `[1]`. Output: `rgba` u32 `[1, 8h, 8w]`, as
 * `decoderGraph` gives it. The latents' own level runs whole.
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
    /** The checkpoint's palettized tensors. */
    readonly palettes?: PaletteLookup;
  },
): TiledDecoder {
  const { height, width } = shape;
  const dtype = config.forceUpcast ? 'f32' : shape.dtype;
  const g = new Graph('vae_decoder_tiled', { dtype, weightStorage: shape.dtype, palettes: shape.palettes });
  const sizes = shape.sizes ?? bandSizes(config, height, width, bytesPerElement(dtype));
  const norm = { groups: config.normGroups, eps: vaeNormEps };
  const sources = new NormSources(g, norm);
  const scope = new WeightScope(g).in('decoder');
  const walk = (mode: BandWalk['mode'], normOf: NormOfBand): BandWalk => ({ graph: g, mode, normOf });

  g.segment('coarse');
  const latents = g.input('latents', [1, height, width, config.latentChannels], 'f32');
  const position = g.input('band', [1], 'u32');
  const scaled = scaleBy(g, latents, 1 / config.scalingFactor, { outDtype: g.dtype, label: 'scale' });
  const coarse = {
    onLoadPixels: 0,
    attention: (at: WeightScope, x: Tensor): Tensor => slicedAttention(g, at, x, norm, position),
  };
  const features = wholePicture(g.hold(decoderCoarseLevel(g, new WeightScope(g), config, scaled, coarse)), position);
  // Finished once, so that the first segment reads every weight and none has to come between bands.
  const small = (normOf: NormOfBand, guess = false): void => {
    const whole = walk('whole', normOf);
    decoderFineLevels(whole, scope, config, smallCopy(whole, features, sizes.every), { rows: 0, finish: guess });
  };
  const bands = (normOf: NormOfBand, finish: boolean): BandTensor | undefined =>
    decoderFineLevels(walk('bands', normOf), scope, config, features, { rows: sizes.rows, finish });
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
  for (const { name, byBands } of tiledDecoderSegments) g.repeat(name, byBands ? bandCount : 1);
  return { graph: g, sizes, bands: bandCount };
}
