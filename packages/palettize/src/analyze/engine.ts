import type { LayerBits } from '../bits.js';

/** Linear int8: as published, and with a scale for each output channel. */
export type LinearForm = 'linear8' | 'linear8-per-channel';

/** What a layer's weight is made of: its palette of some bits, linear int8, or (16) itself. */
export type LayerForm = LayerBits | LinearForm;

/** Options of a measurement. */
export interface MeasureOptions {
  /** Indices of the prompts to run, each in `[0, prompts)`, in the order results are wanted. Default: all, in order. */
  readonly prompts?: readonly number[];
  readonly signal?: AbortSignal;
}

/**
 * A model that an analysis tries weights on. It begins with all layers as they are; layers keep the weights they were
 * given until they are given others. A run is one forward of one prompt's guided pair.
 */
export interface AnalysisEngine {
  /** How many prompts there are. */
  readonly prompts: number;
  /** Runs made so far by this engine, of whatever kind: those that made the outputs PSNR is read against count too. */
  readonly runs: number;
  /** Gives a layer the weights of a form, made from its original ones (see `LayerWeights`), or those themselves (16). */
  swap(layer: string, form: LayerForm, signal?: AbortSignal): Promise<void>;
  /** Runs the model on prompts: PSNR in dB against the outputs of the original weights, one a prompt, finite. */
  measure(options?: MeasureOptions): Promise<readonly number[]>;
  /** The original weights in f16 against an f32 run: PSNR in dB, one a prompt, finite. */
  measureOriginal(options?: MeasureOptions): Promise<readonly number[]>;
}

/** Layers that are not as they were, by name. */
export type ModelState = ReadonlyMap<string, LayerForm>;

/**
 * Brings an engine from state to state by swapping only the layers that differ: an analysis asks for whole states, so it
 * can go on from anywhere.
 */
export class LayerStates {
  private readonly current = new Map<string, LayerForm>();

  constructor(private readonly engine: Pick<AnalysisEngine, 'swap'>) {}

  /** Restores what `wanted` leaves out, then changes what it names. */
  async bring(wanted: ModelState, signal?: AbortSignal): Promise<void> {
    for (const layer of this.current.keys()) {
      if (wanted.has(layer)) continue;
      await this.engine.swap(layer, 16, signal);
      this.current.delete(layer);
    }
    for (const [layer, form] of wanted) {
      if ((this.current.get(layer) ?? 16) === form) continue;
      await this.engine.swap(layer, form, signal);
      this.current.set(layer, form);
    }
  }
}
