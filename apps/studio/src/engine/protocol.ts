import type { MemoryMode, PictureSettings } from 'pleinair';
import type { ModelSpot } from '../models/studio-model.js';
import type { BonnetEngine } from './bonnet-protocol.js';

/** RGBA8, `4 · width · height` bytes. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** A picture to begin with, and what of it is made anew. */
export interface PictureStart {
  /** Whatever the browser can show. */
  readonly image: Blob;
  /** Above 0, at most 1. */
  readonly strength: number;
  /** White where the picture is made anew; of the size of `image` or any other. */
  readonly mask?: Pixels;
  /** Pixels of the mask. */
  readonly maskBlur?: number;
  /** Puts the original's own pixels back outside the mask. */
  readonly pasteBack?: boolean;
  /** Works on the masked part alone, with so many pixels around it, at the full size, and puts it back. */
  readonly maskPadding?: number;
}

/** How much is kept on the GPU. */
export type MemoryChoice = MemoryMode | 'auto';

/** What the page asks to be painted. */
export interface PictureOrder {
  readonly model: ModelSpot;
  readonly memory: MemoryChoice;
  readonly prompt: string;
  /** Absent: none, which some models treat otherwise than an empty one. */
  readonly negativePrompt?: string;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
  /** Absent: the model's own. */
  readonly scheduler?: string;
  readonly seed: number;
  readonly count: number;
  readonly start?: PictureStart;
  readonly preview: 'off' | 'quick' | 'full';
}

/** What the engine tells while it works. */
export type RunNews =
  | {
      readonly kind: 'loading';
      /** Of the model, e.g. `unet`. */
      readonly part: string;
      readonly phase: 'opening' | 'tuning' | 'kernels' | 'weights' | 'run';
      readonly loaded: number;
      readonly total: number;
    }
  | {
      readonly kind: 'step';
      /** Which of `count`, from 0. */
      readonly picture: number;
      /** Finished, from 1. */
      readonly step: number;
      readonly steps: number;
      readonly stepsPerSecond: number;
      readonly preview?: Pixels;
    }
  /** The device is gone; another was asked for, and the run goes on after this many finished steps. */
  | { readonly kind: 'device-lost'; readonly picture: number; readonly step: number }
  | { readonly kind: 'picture'; readonly made: MadePicture };

/** A finished picture. */
export interface MadePicture {
  /** With its settings inside. */
  readonly png: Blob;
  readonly settings: PictureSettings;
  readonly width: number;
  readonly height: number;
}

/** How a run ended. Errors travel as text: classes do not survive the way between threads. */
export type RunEnd =
  | {
      readonly kind: 'done';
      readonly adapter: string;
      readonly seconds: number;
      readonly stepsPerSecond: number;
      readonly peakBytes: number;
      readonly memory: MemoryMode;
      readonly notes: readonly string[];
      /** How often the device was lost on the way. */
      readonly recovered: number;
    }
  | { readonly kind: 'cancelled' }
  | Failure;

/**
 * Something that could not be done, by its code and in words. Beside those of `PleinairError` there are:
 *
 * | code | says |
 * | --- | --- |
 * | `engine/died` | a worker of Studio could not be started, or was ended by the browser. Try again, with less memory where the GPU is short of it |
 * | `storage/quota` | the browser grants Studio no more storage. Delete pictures or models that are no longer needed |
 */
export interface Failure {
  readonly kind: 'failed';
  /** A `PleinairError`'s code, one of these, or `unknown`. */
  readonly code: string;
  readonly message: string;
}

/** The adapter this browser gives, or why there is none. */
export type AdapterNews =
  | {
      readonly kind: 'adapter';
      readonly name: string;
      readonly isSoftware: boolean;
      readonly features: readonly string[];
      readonly limits: Readonly<Record<string, number>>;
    }
  | Failure;

/** Places that a prompt takes in a model's text encoder. */
export interface PromptTokens {
  /** Places taken in each chunk, begin and end counted. */
  readonly chunks: readonly number[];
  /** Places of a chunk, 77. */
  readonly maxLength: number;
}

/** What the worker does for the page. */
export interface StudioEngine extends BonnetEngine {
  /** Looks for an adapter. */
  findAdapter(): Promise<AdapterNews>;
  /** Counts tokens as the model would share them out. Answers nothing where the model cannot be read. */
  countTokens(model: ModelSpot, prompts: readonly string[]): Promise<readonly PromptTokens[] | undefined>;
  /**
   * Paints. One run at a time: another meanwhile fails with `program/busy`.
   *
   * @param tell - A comlink proxy.
   */
  paint(order: PictureOrder, tell: (news: RunNews) => unknown): Promise<RunEnd>;
  /** Stops the run, within one slice of GPU work. */
  cancel(): void;
  /** Forgets a model, before its files are deleted: a run with it is cancelled, and the GPU freed of it. Others are left alone. */
  forget(model: ModelSpot): Promise<void>;
}
