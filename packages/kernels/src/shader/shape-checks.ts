import { ShapeError, type Tensor, type Weight } from '@pleinair/tensor';

/**
 * Throws unless a tensor has the expected shape.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function expectShape(where: string, what: string, tensor: Tensor, expected: readonly number[]): void {
  if (sameShape(tensor.shape, expected)) return;
  throw new ShapeError(
    'shape/mismatch',
    `${where}: expected ${what} [${expected.join(', ')}], got [${tensor.shape.join(', ')}]. Check what produces "${tensor.name}".`,
  );
}

/**
 * Throws unless a checkpoint tensor has the expected shape.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function expectWeightShape(where: string, what: string, weight: Weight, expected: readonly number[]): void {
  if (sameShape(weight.source.shape, expected)) return;
  throw new ShapeError(
    'shape/mismatch',
    `${where}: expected ${what} [${expected.join(', ')}], got [${weight.source.shape.join(', ')}]. Check the model's config against "${weight.source.name}".`,
  );
}

/**
 * Throws when a condition on sizes does not hold.
 *
 * @param expectation - `X, got Y. What to do.`: what follows `expected`.
 * @throws ShapeError `shape/mismatch`.
 */
export function expectThat(where: string, holds: boolean, expectation: string): void {
  if (!holds) throw new ShapeError('shape/mismatch', `${where}: expected ${expectation}`);
}

/** True when two shapes agree in every size. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
