import type { PaletteForm } from '@pleinair/tensor';
import type { OpSpec } from './op-spec.js';

/** Suites of single operations; `ops` stands for all of them. */
export const opSuites = ['matmul', 'conv', 'attention', 'norm', 'activation'] as const;

/** All suites of named shapes: those, and shapes whose weights are palettized beside the same with weights of half floats. */
export const shapeSuites = [...opSuites, 'palettized'] as const;
export type OpSuite = (typeof shapeSuites)[number];

/** An operation to be measured, in the size in which it is. */
export interface OpCase {
  readonly suite: OpSuite;
  /** Name, sizes and scale, e.g. `sdxl down_blocks.2.resnets.1.conv1 3×3, 1×8×8×1280, sides ÷4`. */
  readonly shape: string;
  readonly spec: OpSpec;
  /** Sides (or rows) of the model's own shape over these. */
  readonly divisor: number;
  /** How its weights are palettized, if they are. */
  readonly palette?: PaletteForm;
  /** The variant it is measured in, unless another is forced. */
  readonly variant?: string;
}
