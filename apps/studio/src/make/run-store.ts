import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Failure, PictureOrder, Pixels, RunEnd } from '../engine/protocol.js';

/** What the engine is at. */
export type RunPhase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'loading'; readonly words: string; readonly share: number | undefined }
  | {
      readonly kind: 'painting';
      readonly picture: number;
      readonly count: number;
      readonly step: number;
      readonly steps: number;
      readonly stepsPerSecond: number;
      readonly secondsLeft: number;
    };

/** The run that is under way, or the last one. */
export interface RunState {
  readonly phase: RunPhase;
  readonly cancelling: boolean;
  /** Where the run stands, as far as it is shown. */
  readonly preview: Pixels | undefined;
  /** Id in the gallery of the picture that the easel shows. */
  readonly shown: string | undefined;
  /** What the last run was asked for: all of its pictures. */
  readonly order: PictureOrder | undefined;
  /** Pictures of it that are finished, in the order of their seeds. */
  readonly made: readonly string[];
  readonly end: Exclude<RunEnd, Failure> | undefined;
  readonly failure: Failure | undefined;
  /** Words for a screen reader, and for what happened on the way. */
  readonly notice: string;
}

/** The state before any run. */
export const restingRun: RunState = {
  phase: { kind: 'idle' },
  cancelling: false,
  preview: undefined,
  shown: undefined,
  order: undefined,
  made: [],
  end: undefined,
  failure: undefined,
  notice: '',
};

/** Puts a picture of the gallery on the easel; what was said of the last run goes. */
export function showPicture(run: StoreApi<RunState>, id: string): void {
  run.setState({ shown: id, failure: undefined, end: undefined, notice: '' });
}

/** Makes the store, at rest. */
export function createRunStore(): StoreApi<RunState> {
  return createStore<RunState>(() => restingRun);
}
