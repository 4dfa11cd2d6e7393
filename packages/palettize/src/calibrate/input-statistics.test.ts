import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { powerOf, type InputMoments } from '../apply/error-feedback.js';
import { InputStatistics } from './input-statistics.js';
import { eigenvectors } from './symmetric.js';

/** More than random directions that they are projected on. */
const columns = 144;
const rows = 300;

/** Inputs that lie in few directions, with a little noise: `[rows][columns]`. */
function inputs(directions: number, noise: number): Float64Array[] {
  const along = Array.from({ length: directions }, (_, i) => randomArray(columns, 100 + i, 1));
  const mean = randomArray(columns, 99, 1);
  return Array.from({ length: rows }, (_, row) => {
    const parts = randomArray(directions, 1000 + row, 1);
    const rest = randomArray(columns, 5000 + row, noise);
    return Float64Array.from(mean, (value, k) =>
      along.reduce((sum, one, i) => sum + parts[i]! * one[k]!, value + rest[k]!),
    );
  });
}

function momentsOf(given: readonly Float64Array[]): InputMoments {
  const statistics = new InputStatistics('layer', columns);
  for (const row of given) statistics.add(row);
  return statistics.moments();
}

/** `E[x xᵀ]`, row by row. */
function second(given: readonly Float64Array[]): Float64Array<ArrayBuffer> {
  const h = new Float64Array(columns * columns);
  for (const x of given) {
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) h[i * columns + j]! += (x[i]! * x[j]!) / given.length;
    }
  }
  return h;
}

function meanOfDiagonal(h: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < columns; k++) sum += h[k * columns + k]! / columns;
  return sum;
}

describe('InputStatistics', () => {
  it('knows the mean square of each column, and adds a tenth of their mean', () => {
    const given = inputs(3, 0.5);
    const h = second(given);
    const power = powerOf(momentsOf(given));
    for (let k = 0; k < columns; k++) {
      const expected = h[k * columns + k]! + 0.1 * meanOfDiagonal(h);
      expect(power[k]! / expected).toBeCloseTo(1, 5);
    }
  });

  it('finds all of inputs that lie in few directions', () => {
    const given = inputs(7, 0); // and their mean
    const h = second(given);
    const { directions } = momentsOf(given);
    expect(directions).toHaveLength(8);
    const scale = meanOfDiagonal(h);
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        const found = directions.reduce((sum, along) => sum + along[i]! * along[j]!, 0);
        expect(Math.abs(found - h[i * columns + j]!)).toBeLessThan(1e-5 * scale);
      }
    }
  });

  it('finds the strongest directions among many', () => {
    const given = inputs(4, 0.2);
    const h = second(given);
    const { values } = eigenvectors(h, columns);
    const { directions } = momentsOf(given);
    const others = values.slice(64).reduce((sum, each) => sum + each, 0) / (columns - 64);
    for (let r = 0; r < 5; r++) {
      const along = directions[r]!;
      const power = along.reduce((sum, each) => sum + each ** 2, 0);
      // Never more than there is, and nearly all that it is above the rest.
      expect(power).toBeLessThan((values[r]! - others) * (1 + 1e-6));
      expect(power).toBeGreaterThan(0.97 * (values[r]! - others));
      let quadratic = 0;
      for (let i = 0; i < columns; i++) {
        for (let j = 0; j < columns; j++) quadratic += along[i]! * h[i * columns + j]! * along[j]!;
      }
      expect(quadratic / power / (power + others)).toBeGreaterThan(0.99);
    }
  });

  it('knows inputs of few columns whole', () => {
    const given = inputs(40, 0.5).map((row) => row.subarray(0, 50));
    const statistics = new InputStatistics('layer', 50);
    for (const row of given) statistics.add(row);
    const { rest, directions } = statistics.moments();
    expect(directions).toHaveLength(50);
    const scale = given[0]!.length;
    for (let i = 0; i < 50; i++) {
      for (let j = 0; j < 50; j++) {
        const found = directions.reduce((sum, along) => sum + along[i]! * along[j]!, 0);
        const expected = given.reduce((sum, x) => sum + (x[i]! * x[j]!) / rows, 0);
        expect(Math.abs(found - expected)).toBeLessThan(1e-5 * scale);
      }
    }
    for (const each of rest) expect(each).toBeGreaterThan(0);
  });

  it('finds no direction where none is stronger than the others', () => {
    const unit = Array.from({ length: columns }, (_, k) =>
      Float64Array.from({ length: columns }, (__, i) => (i === k ? 3 : 0)),
    );
    const { rest, directions } = momentsOf(unit);
    expect(directions).toEqual([]);
    for (const each of rest) expect(each).toBeCloseTo((1.1 * 9) / columns, 6);
  });

  it('is the same for the same rows, and counts a row of weight two twice', () => {
    const given = inputs(3, 0.5);
    expect(momentsOf(given)).toEqual(momentsOf(given));
    const twice = new InputStatistics('layer', columns);
    for (const [i, row] of given.entries()) twice.add(row, i < 10 ? 2 : 1);
    const power = powerOf(momentsOf([...given.slice(0, 10), ...given]));
    powerOf(twice.moments()).forEach((each, k) => expect(each / power[k]!).toBeCloseTo(1, 5));
  });

  it('holds what a file of f32 holds', () => {
    const { rest, directions } = momentsOf(inputs(3, 0.5));
    for (const values of [rest, ...directions]) expect(values).toEqual(Float64Array.from(Float32Array.from(values)));
    expect(rest.every((each) => each > 0)).toBe(true);
  });

  it('takes inputs of few columns or of one row, and says nothing of none', () => {
    const one = new InputStatistics('layer', 3);
    one.add([1, 0, -2]);
    const { rest, directions } = one.moments();
    expect(directions).toHaveLength(1);
    [1, 0, 2].forEach((each, k) => expect(Math.abs(directions[0]![k]!)).toBeCloseTo(each, 5));
    rest.forEach((each) => expect(each).toBeCloseTo(0.1 * (5 / 3), 5));
    const silent = new InputStatistics('layer', 3);
    silent.add([0, 0, 0]);
    expect(silent.moments()).toEqual({ rest: Float64Array.of(1, 1, 1), directions: [] });
  });

  it('refuses rows of another length, and what is not finite', () => {
    const statistics = new InputStatistics('layer', 3);
    expect(() => statistics.add([1, 2])).toThrow(/layer: expected inputs of 3 columns, got 2/);
    expect(() => statistics.add([1, NaN, 2])).toThrow(/finite inputs/);
  });
});
