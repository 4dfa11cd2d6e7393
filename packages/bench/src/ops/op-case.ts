import type { OpSpec } from './op-spec.js';

/** Suites of single operations; `ops` stands for all of them. */
export const opSuites = ['matmul', 'conv', 'attention', 'norm', 'activation'] as const;
export type OpSuite = (typeof opSuites)[number];

/** An operation to be measured, in the size in which it is. */
export interface OpCase {
  readonly suite: OpSuite;
  /** Name, sizes and scale, e.g. `sdxl down_blocks.2.resnets.1.conv1 3×3, 1×8×8×1280, sides ÷4`. */
  readonly shape: string;
  readonly spec: OpSpec;
  /** Sides (or rows) of the model's own shape over these. */
  readonly divisor: number;
}
