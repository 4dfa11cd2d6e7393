import {
  isPlan,
  isPleinairError,
  planProgram,
  type DeviceProfile,
  type Graph,
  type PaletteLookup,
  type ProgramPlan,
} from '@pleinair/tensor';
import { decoderGraph } from '../vae/decoder-graph.js';
import type { VaeConfig } from '../vae/config.js';
import { tiledDecoderGraph } from '../vae/tiled/decoder-graph.js';
import type { PartForm } from './part-plans.js';
import { latentSize, type PipelineShape } from './pipeline-shape.js';
import type { MemoryMode } from './part.js';
import { lowPeak, partPlan, type PartPlan } from './plan-parts.js';

/** How to decode: in bands where it pays, whole and exact, or in bands always. */
export type VaeMode = 'auto' | 'exact' | 'tiled';

/** Below this many bytes of intermediates a whole decode is not worth avoiding. */
const smallDecode = 256e6;

/** What {@link chooseVae} may look at. Each is asked only where it decides. */
export interface VaeChoice {
  /** The decoder's figures, whole and in bands. Throws where an adapter's limits refuse it. */
  decoder(vae: 'exact' | 'tiled'): PartPlan;
  /** The most bytes that another part holds when parts come and go. */
  othersPeak(): number;
  readonly memory: MemoryMode;
}

/**
 * How to decode under `auto`: in bands where the whole decode is beyond the adapter's limits, or, in memory mode `low`, where
 * it takes hundreds of megabytes and would be the peak of the whole pipeline; else whole, which is exact and twice as fast.
 */
export function chooseVae(mode: VaeMode, choice: VaeChoice): 'exact' | 'tiled' {
  if (mode !== 'auto') return mode;
  let exact: PartPlan;
  try {
    exact = choice.decoder('exact');
  } catch (error) {
    if (!isPleinairError(error) || error.code !== 'device/limit') throw error;
    return 'tiled';
  }
  if (choice.memory !== 'low' || exact.intermediatesBytes <= smallDecode) return 'exact';
  if (peakOf(exact) <= choice.othersPeak()) return 'exact';
  return peakOf(choice.decoder('tiled')) < peakOf(exact) ? 'tiled' : 'exact';
}

function peakOf({ weightsBytes, intermediatesBytes, persistentBytes }: PartPlan): number {
  return weightsBytes + intermediatesBytes + persistentBytes;
}

/**
 * How latents of a shape are decoded on an adapter: the UNet is the part whose peak a decode is held against.
 *
 * @param form - Records these parts for a shape, or gives their plans for the adapter.
 */
export function settleVae(
  shape: PipelineShape,
  form: PartForm<'unet' | 'vae_decoder'>,
  how: { readonly vae: VaeMode; readonly memory: MemoryMode; readonly profile: DeviceProfile },
): 'exact' | 'tiled' {
  const { memory, profile } = how;
  const planned = (each: PipelineShape, part: 'unet' | 'vae_decoder'): ProgramPlan => {
    const what = form(each, part);
    return isPlan(what) ? what : planProgram(what, profile);
  };
  return chooseVae(how.vae, {
    memory,
    decoder: (vae) => partPlan(planned({ ...shape, vae }, 'vae_decoder')),
    othersPeak: () => lowPeak([planned(shape, 'unet')]),
  });
}

/**
 * Records the decoder as a shape asks for it.
 *
 * @param palettes - The checkpoint's palettized tensors.
 */
export function vaeDecoderGraph(config: VaeConfig, shape: PipelineShape, palettes?: PaletteLookup): Graph {
  const { width, height } = latentSize(config, shape.width, shape.height);
  const dtype = shape.precision;
  if (shape.vae === 'tiled') return tiledDecoderGraph(config, { height, width, dtype, palettes }).graph;
  return decoderGraph(config, { batch: 1, height, width, dtype, palettes });
}

/** Bands of a tiled decode of a shape. */
export function decoderBands(config: VaeConfig, shape: PipelineShape): number {
  const { width, height } = latentSize(config, shape.width, shape.height);
  return tiledDecoderGraph(config, { height, width, dtype: shape.precision }).bands;
}
