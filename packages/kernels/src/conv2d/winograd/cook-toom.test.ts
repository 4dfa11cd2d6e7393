import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { winogradTransforms, type RationalMatrix, type TileSize } from './cook-toom.js';
import { equal, plus, rational, times, toNumber, type Rational } from './rational.js';

const sizes: readonly TileSize[] = [2, 4, 6, 8];
const zero = rational(0);
const dot = (a: readonly Rational[], b: readonly Rational[]): Rational =>
  a.reduce((sum, value, i) => plus(sum, times(value, b[i]!)), zero);
const transposed = (a: RationalMatrix): RationalMatrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const product = (a: RationalMatrix, b: RationalMatrix): RationalMatrix =>
  a.map((row) => transposed(b).map((column) => dot(row, column)));
const entries = (rows: number, columns: number): fc.Arbitrary<RationalMatrix> =>
  fc.array(
    fc.array(
      fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 9 })).map(([a, b]) => rational(a, b)),
      { minLength: columns, maxLength: columns },
    ),
    { minLength: rows, maxLength: rows },
  );

describe.each(sizes)('F(%i, 3)', (m) => {
  const { side, input, filter, output, amplification } = winogradTransforms(m);

  it('is the direct convolution of any tile, in exact fractions', () => {
    fc.assert(
      fc.property(entries(side, side), entries(3, 3), (d, g) => {
        const u = product(product(filter, g), transposed(filter));
        const v = product(product(input, d), transposed(input));
        const multiplied = u.map((row, i) => row.map((value, j) => times(value, v[i]![j]!)));
        const y = product(product(output, multiplied), transposed(output));
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < m; j++) {
            const direct = g.flatMap((row, a) => row.map((tap, b) => times(tap, d[i + a]![j + b]!)));
            expect(equal(y[i]![j]!, direct.reduce(plus, zero))).toBe(true);
          }
        }
      }),
      { numRuns: 10 },
    );
  });

  it('never makes a transformed value larger than its largest input, nor less than half of what that allows', () => {
    for (const row of [...input, ...filter]) {
      const most = row.reduce((sum, value) => sum + Math.abs(toNumber(value)), 0);
      expect(most).toBeLessThanOrEqual(1);
      expect(most).toBeGreaterThan(0.5);
    }
  });

  it('has the amplification its points were chosen for', () => {
    expect(amplification).toBeCloseTo({ 2: 1.667, 4: 7.135, 6: 46.257, 8: 330.932 }[m], 3);
  });
});
