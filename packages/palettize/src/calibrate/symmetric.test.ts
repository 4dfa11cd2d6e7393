import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { cholesky, eigenvectors, type SquareMatrix } from './symmetric.js';

/** `b bᵀ + 0.01`, positive definite. */
function symmetric(n: number, seed: number): SquareMatrix {
  const b = randomArray(n * n, seed, 1);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) a[i * n + j]! += b[i * n + k]! * b[j * n + k]!;
      if (i === j) a[i * n + j]! += 0.01;
    }
  }
  return a;
}

describe.each([1, 2, 7, 24])('a symmetric matrix of %i', (n) => {
  const a = symmetric(n, n);

  it('is the product of its triangle with itself', () => {
    const lower = cholesky(a, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let product = 0;
        for (let k = 0; k < n; k++) product += lower[i * n + k]! * lower[j * n + k]!;
        expect(product).toBeCloseTo(a[i * n + j]!, 10);
        if (j > i) expect(lower[i * n + j]).toBe(0);
      }
    }
  });

  it('stretches its eigenvectors by its eigenvalues, largest first', () => {
    const { values, vectors } = eigenvectors(a, n);
    expect(values).toEqual(values.toSorted((x, y) => y - x));
    vectors.forEach((vector, at) => {
      expect(vector.reduce((sum, each) => sum + each ** 2, 0)).toBeCloseTo(1, 12);
      for (let i = 0; i < n; i++) {
        let product = 0;
        for (let k = 0; k < n; k++) product += a[i * n + k]! * vector[k]!;
        expect(product).toBeCloseTo(values[at]! * vector[i]!, 10);
      }
    });
  });
});
