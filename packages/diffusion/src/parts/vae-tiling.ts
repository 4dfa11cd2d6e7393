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
import { encoderGraph } from '../vae/encoder-graph.js';
import { tiledEncoderGraph } from '../vae/tiled/encoder-graph.js';
import { tiledDecoderGraph } from '../vae/tiled/decoder-graph.js';
import type { BandStep } from '../vae/tiled/run-bands.js';
import type { PartForm } from './part-plans.js';
import { latentSize, type PipelineShape } from './pipeline-shape.js';
import { memoryPolicy, type MemoryMode } from './memory-policy.js';
import { partPlan, peakBytes, type PartPlan } from './plan-parts.js';

/** How to encode and decode pictures: in bands where it pays, whole and exact, or in bands always. */
export type VaeMode = 'auto' | 'exact' | 'tiled';

/** Below this many bytes of intermediates working whole is not worth avoiding. */
const small = 256e6;

/** What {@link chooseVae} may look at. Each is asked only where it decides. */
export interface VaeChoice {
  /** The figures of the VAE's half, whole and in bands. Throws where an adapter's limits refuse it. */
  half(vae: 'exact' | 'tiled'): PartPlan;
  /** The UNet's figures. */
  denoiser(): { readonly peakBytes: number; readonly intermediatesBytes: number };
  readonly memory: MemoryMode;
}

/**
 * How to decode under `auto`, and to encode: in bands where the whole is beyond the adapter's limits, or where it takes
 * hundreds of megabytes and would be the peak of the whole pipeline; else whole, which is exact and twice as fast. Where
 * everything is resident memory is not what is short.
 */
export function chooseVae(mode: VaeMode, choice: VaeChoice): 'exact' | 'tiled' {
  if (mode !== 'auto') return mode;
  let exact: PartPlan;
  try {
    exact = choice.half('exact');
  } catch (error) {
    if (!isPleinairError(error) || error.code !== 'device/limit') throw error;
    return 'tiled';
  }
  if (choice.memory === 'resident' || exact.intermediatesBytes <= small) return 'exact';
  if (choice.memory === 'balanced') {
    // Weights of both stay whichever is running: what each adds decides.
    if (exact.intermediatesBytes <= choice.denoiser().intermediatesBytes) return 'exact';
    return choice.half('tiled').intermediatesBytes < exact.intermediatesBytes ? 'tiled' : 'exact';
  }
  if (peakOf(exact) <= choice.denoiser().peakBytes) return 'exact';
  return peakOf(choice.half('tiled')) < peakOf(exact) ? 'tiled' : 'exact';
}

function peakOf({ weightsBytes, intermediatesBytes, persistentBytes }: PartPlan): number {
  return weightsBytes + intermediatesBytes + persistentBytes;
}

/** How {@link settleVae} decides. */
export interface VaeSettings {
  readonly vae: VaeMode;
  readonly memory: MemoryMode;
  readonly profile: DeviceProfile;
}

/**
 * How pictures of a shape are decoded on an adapter: the UNet is the part whose peak a decode is held against.
 *
 * @param form - Records these parts for a shape, or gives their plans for the adapter.
 */
export function settleVae(
  shape: PipelineShape,
  form: PartForm<'unet' | 'vae_decoder'>,
  how: VaeSettings,
): 'exact' | 'tiled' {
  return settle(
    (as) => form({ ...shape, vae: as }, 'vae_decoder'),
    () => form(shape, 'unet'),
    how,
  );
}

/** How pictures of a shape are encoded on an adapter; see {@link settleVae}. */
export function settleEncoder(
  shape: PipelineShape,
  form: PartForm<'unet' | 'vae_encoder'>,
  how: VaeSettings,
): 'exact' | 'tiled' {
  return settle(
    (as) => form({ ...shape, encoder: as }, 'vae_encoder'),
    () => form(shape, 'unet'),
    how,
  );
}

function settle(
  half: (as: 'exact' | 'tiled') => Graph | ProgramPlan,
  denoiser: () => Graph | ProgramPlan,
  { vae, memory, profile }: VaeSettings,
): 'exact' | 'tiled' {
  const planned = (what: Graph | ProgramPlan): ProgramPlan => (isPlan(what) ? what : planProgram(what, profile));
  return chooseVae(vae, {
    memory,
    half: (as) => partPlan(planned(half(as))),
    denoiser: () => {
      const plan = planned(denoiser());
      return {
        peakBytes: peakBytes([{ kind: 'denoiser', plan }], memoryPolicy('low')),
        intermediatesBytes: plan.intermediatesBytes,
      };
    },
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

/** How the graph of a tiled decode of a shape runs. */
export function decoderSteps(config: VaeConfig, shape: PipelineShape): readonly BandStep[] {
  const { width, height } = latentSize(config, shape.width, shape.height);
  return tiledDecoderGraph(config, { height, width, dtype: shape.precision }).steps;
}

/**
 * Records the encoder as a shape asks for it.
 *
 * @param palettes - The checkpoint's palettized tensors.
 */
export function vaeEncoderGraph(config: VaeConfig, shape: PipelineShape, palettes?: PaletteLookup): Graph {
  const { width, height } = latentSize(config, shape.width, shape.height);
  const dtype = shape.precision;
  if (shape.encoder === 'tiled') return tiledEncoderGraph(config, { height, width, dtype, palettes }).graph;
  return encoderGraph(config, { batch: 1, height, width, dtype, palettes });
}

/** How the graph of a tiled encode of a shape runs. */
export function encoderSteps(config: VaeConfig, shape: PipelineShape): readonly BandStep[] {
  const { width, height } = latentSize(config, shape.width, shape.height);
  return tiledEncoderGraph(config, { height, width, dtype: shape.precision }).steps;
}
