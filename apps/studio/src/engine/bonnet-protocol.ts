import type { CalibrationReference, Recipe } from '@pleinair/palettize';
import type { AdapterDescription } from '@pleinair/tensor';
import type { KernelProfile, MemoryMap, PartProgress, TuningResult } from 'pleinair';
import type { ModelSpot } from '../models/studio-model.js';
import type { Failure, MemoryChoice, Pixels } from './protocol.js';

/** What a question to the engine came to. Errors travel as text: classes do not survive the way between threads. */
export type Answer<T> = { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'cancelled' } | Failure;

/** Pictures that a question is about. */
export interface PictureShape {
  readonly model: ModelSpot;
  readonly memory: MemoryChoice;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
}

/** What is known of kernels on this adapter. */
export interface TunerSheet {
  /** Where that is kept, in words. */
  readonly place: string;
  readonly results: readonly TuningResult[];
}

/** Weights that a picture is to be made with. */
export type WeightsChoice =
  | { readonly kind: 'original'; readonly label: string }
  /** Of the demo model: as it is shipped, palettized. */
  | { readonly kind: 'shipped'; readonly label: string }
  | { readonly kind: 'bits'; readonly label: string; readonly bits: 1 | 2 | 3 | 4 | 6 | 8 }
  | {
      readonly kind: 'recipe';
      readonly label: string;
      readonly recipe: Recipe;
      readonly group: number;
      /** What the recipe was measured with, where that is at hand. */
      readonly calibration?: { readonly blob: Blob; readonly name: string; readonly reference: CalibrationReference };
    };

/** Pictures of one prompt and one seed, by different weights. */
export interface ComparisonOrder extends Omit<PictureShape, 'memory'> {
  readonly prompt: string;
  readonly seed: number;
  /** What others are held against comes first. */
  readonly weights: readonly WeightsChoice[];
}

/** A picture of a comparison. */
export interface ComparedPicture extends Pixels {
  readonly label: string;
  /** Average bits a weight of what was palettized; absent of weights as they lie. */
  readonly averageBits?: number;
  /** Weights of the UNet on the GPU. */
  readonly unetBytes: number;
}

/** How far something is. */
export type BonnetNews =
  | PartProgress
  | {
      readonly part: string;
      readonly phase: 'palettizing' | 'painting';
      readonly loaded: number;
      readonly total: number;
    };

/** What the worker does for the page Under the bonnet. All but the adapter's sheet: one thing at a time, beside painting too. */
export interface BonnetEngine {
  /** All that the adapter says of itself. */
  adapterSheet(): Promise<Answer<AdapterDescription>>;
  /** What pictures hold on the GPU. */
  memoryMap(shape: PictureShape): Promise<Answer<MemoryMap>>;
  /** Where a picture's time goes; `parts` are all where left out. @param tell - A comlink proxy. */
  profile(
    shape: PictureShape,
    parts: readonly string[] | undefined,
    tell: (news: BonnetNews) => unknown,
  ): Promise<Answer<KernelProfile>>;
  /** What the tuner has found so far. */
  tunerSheet(shape: PictureShape): Promise<Answer<TunerSheet>>;
  /** Times every kernel of such pictures; what was found until a cancel is kept. @param tell - A comlink proxy. */
  tune(
    shape: PictureShape,
    tell: (news: BonnetNews & { readonly leftMs?: number }) => unknown,
  ): Promise<Answer<TunerSheet>>;
  /** Forgets all that tuning has found, of all adapters. Answers how many results that was. */
  clearTuning(): Promise<Answer<number>>;
  /** Paints with each of the weights. @param tell - A comlink proxy. */
  compare(order: ComparisonOrder, tell: (news: BonnetNews) => unknown): Promise<Answer<readonly ComparedPicture[]>>;
}
