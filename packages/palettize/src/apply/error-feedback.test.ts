import { fromHalfBits } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { halves } from '../../test/parts.js';
import { ValueHistogram } from '../kmeans/histogram.js';
import { paletteLookup } from '../kmeans/lookup.js';
import { makePalettes, type Palette } from '../kmeans/palette.js';
import { directSolver } from '../workers/solver.js';
import { ErrorFeedback, powerOf, type InputMoments } from './error-feedback.js';

const [rows, columns] = [9, 50];
const { data } = halves('w', [rows, columns], 3);

async function paletteOf(bits: 1 | 3 | 4): Promise<Palette> {
  const histogram = new ValueHistogram('w');
  histogram.add(data);
  const [palette] = await makePalettes(histogram.distribution(), [bits], { solver: directSolver() });
  return palette!;
}

function moments(directions: number, scale: number): InputMoments {
  return {
    rest: Float64Array.from(randomArray(columns, 1, 1), (value) => 0.1 + Math.abs(value)),
    directions: Array.from({ length: directions }, (_, i) => Float64Array.from(randomArray(columns, 2 + i, scale))),
  };
}

/** `Σ δᵀ E[x xᵀ] δ` over the rows. */
function disturbance(given: Uint16Array, { rest, directions }: InputMoments): number {
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const error = Array.from(rest, (_, k) => {
      const at = row * columns + k;
      return fromHalfBits(given[at]!) - fromHalfBits(data[at]!);
    });
    total += error.reduce((sum, each, k) => sum + rest[k]! * each ** 2, 0);
    for (const along of directions) total += error.reduce((sum, each, k) => sum + along[k]! * each, 0) ** 2;
  }
  return total;
}

function nearestOf(palette: Palette): Uint16Array {
  const lookup = paletteLookup(palette);
  return data.map((half) => palette.entries[lookup[half]!]!);
}

describe('ErrorFeedback', () => {
  it.each([1, 3, 4] as const)('disturbs the output less than the nearest of %i bits', async (bits) => {
    const palette = await paletteOf(bits);
    const inputs = moments(3, 3);
    const given = data.slice();
    const error = new ErrorFeedback(inputs).feed(given, palette);
    expect(error / disturbance(given, inputs)).toBeCloseTo(1, 9);
    expect(given.every((half) => palette.entries.includes(half))).toBe(true);
    expect(disturbance(given, inputs)).toBeLessThan(0.5 * disturbance(nearestOf(palette), inputs));
  });

  it('never disturbs it more, however weak the directions', async () => {
    const palette = await paletteOf(3);
    for (const scale of [0.001, 0.01, 0.1, 100]) {
      const inputs = moments(2, scale);
      const given = data.slice();
      new ErrorFeedback(inputs).feed(given, palette);
      expect(disturbance(given, inputs)).toBeLessThanOrEqual(disturbance(nearestOf(palette), inputs) * (1 + 1e-12));
    }
  });

  it('takes the nearest entries where inputs have no direction', async () => {
    const palette = await paletteOf(3);
    const given = data.slice();
    new ErrorFeedback(moments(0, 0)).feed(given, palette);
    expect(given).toEqual(nearestOf(palette));
  });

  it('does the same whatever pieces a tensor comes in', async () => {
    const palette = await paletteOf(3);
    const inputs = moments(3, 3);
    const whole = data.slice();
    const feedback = new ErrorFeedback(inputs);
    const total = feedback.feed(whole, palette);
    const pieces = data.slice();
    const last = feedback.feed(pieces.subarray(4 * columns), palette);
    const first = feedback.feed(pieces.subarray(0, 4 * columns), palette);
    expect(pieces).toEqual(whole);
    expect((first + last) / total).toBeCloseTo(1, 12);
  });
});

describe('powerOf', () => {
  it('is the diagonal of the second moment', () => {
    const inputs = moments(2, 1);
    powerOf(inputs).forEach((value, k) => {
      const expected = inputs.directions.reduce((sum, along) => sum + along[k]! ** 2, inputs.rest[k]!);
      expect(value).toBeCloseTo(expected, 12);
    });
  });
});
