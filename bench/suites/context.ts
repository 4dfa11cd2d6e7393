import type { BenchResult, OpContext, ScaleName } from '@pleinair/bench';
import type { Onnxruntime } from '../peer/onnxruntime.js';

/** All that a suite may look at. */
export interface BenchContext extends OpContext {
  /** Size of the op suites' shapes. */
  readonly scale: ScaleName;
  /** Only the first one or two shapes of an op suite. */
  readonly quick: boolean;
  /** Only shapes whose name holds this text. */
  readonly filter?: string;
  /** There when peers were asked for. */
  readonly runtime?: Onnxruntime;
  /** The repository's root folder. */
  readonly root: string;
}

/** A suite yields its results one by one, as they come. */
export type Suite = (context: BenchContext) => AsyncIterable<BenchResult>;
