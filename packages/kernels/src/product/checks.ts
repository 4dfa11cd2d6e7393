import type { Tensor, Weight, WeightLayout } from '@pleinair/tensor';
import { expectThat } from '../shader/shape-checks.js';

/**
 * Throws unless a tensor holds floats.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function expectFloat(where: string, tensor: Tensor): void {
  expectThat(
    where,
    tensor.dtype === 'f32' || tensor.dtype === 'f16',
    `f32 or f16 elements in "${tensor.name}", got ${tensor.dtype}. Convert it first.`,
  );
}

/**
 * Throws unless a weight was recorded in the layout its kernel reads.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function expectLayout(where: string, weight: Weight, layout: WeightLayout): void {
  expectThat(
    where,
    weight.layout.key === layout.key,
    `the layout ${layout.key} for "${weight.source.name}", got ${weight.layout.key}. Record it with this op's weight function.`,
  );
}
