import { divided, isZero, minus, powerOfTwo, rational, times, toNumber, type Rational } from './rational.js';

/** Output tiles that there are transforms for: m × m pixels at a time. */
export type TileSize = 2 | 4 | 6 | 8;

/** A matrix of exact fractions, row by row. */
export type RationalMatrix = readonly (readonly Rational[])[];

/**
 * The transforms of F(m, 3): m outputs of a three-tap filter from m + 2 inputs with m + 2 multiplications,
 * `y = Aᵀ[(G g) ⊙ (Bᵀ d)]`. A picture's tile takes them along rows and columns: `Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A`.
 */
export interface WinogradTransforms {
  readonly m: TileSize;
  /** Side of an input tile, m + 2. */
  readonly side: number;
  /** Bᵀ, `[side][side]`. */
  readonly input: RationalMatrix;
  /** G, `[side][3]`. */
  readonly filter: RationalMatrix;
  /** Aᵀ, `[m][side]`. */
  readonly output: RationalMatrix;
  /**
   * By how much the algorithm enlarges relative rounding errors made in transformed values, root mean square, at the worst
   * output of a tile of a picture, for inputs and weights without correlation. The direct algorithm has 1.
   */
  readonly amplification: number;
}

/**
 * Interpolation points besides 0 and ∞; each stands for itself and its negative, so that the transforms share sums. They
 * are those with the least mean amplification over a tile's outputs among all fractions with parts up to 8 (searched over
 * symmetric sets). For m = 4 the worst output has 7.1, where the customary ±1 and ±2 give 31.
 */
const points: Record<TileSize, readonly (readonly [over: number, under: number])[]> = {
  2: [[1, 1]],
  4: [
    [2, 3],
    [3, 2],
  ],
  6: [
    [1, 2],
    [1, 1],
    [2, 1],
  ],
  8: [
    [3, 7],
    [4, 5],
    [5, 4],
    [7, 3],
  ],
};

const one = rational(1);
const zero = rational(0);

/**
 * Generates the transforms of F(m, 3) by the method of Cook and Toom: the product of two polynomials from its values at
 * m + 1 points and at ∞, transposed (Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray,
 * arXiv 1509.09308).
 *
 * Rows of Bᵀ and G are scaled by powers of two to sums of magnitudes in (1/2, 1], Aᵀ takes the scale back. So a transformed
 * input is never larger than the largest input, nor a transformed weight than the largest weight, and no sum of their
 * products overflows where the direct algorithm's bound does not.
 */
export function winogradTransforms(m: TileSize): WinogradTransforms {
  const finite = [zero, ...points[m].flatMap(([a, b]) => [rational(a, b), rational(-a, b)])];
  const side = m + 2;
  const powers = (x: Rational, count: number): Rational[] => {
    const row = [one];
    while (row.length < count) row.push(times(row.at(-1)!, x));
    return row;
  };
  const others = (j: number): Rational[] => finite.filter((_, l) => l !== j);
  const rawInput = [...finite.map((_, j) => [...polynomial(others(j)), zero]), polynomial(finite)];
  const rawFilter = [
    ...finite.map((x, j) => {
      const scale = others(j).reduce((product, other) => times(product, minus(x, other)), one);
      return powers(x, 3).map((power) => divided(power, scale));
    }),
    [zero, zero, one],
  ];
  const rawOutput = Array.from({ length: m }, (_, i) => [
    ...finite.map((x) => powers(x, m)[i]!),
    i === m - 1 ? one : zero,
  ]);
  const inputScale = rawInput.map(scaleToOne);
  const filterScale = rawFilter.map(scaleToOne);
  const scaled = (matrix: RationalMatrix, scales: readonly Rational[]): RationalMatrix =>
    matrix.map((row, j) => row.map((value) => times(value, scales[j]!)));
  const input = scaled(rawInput, inputScale);
  const filter = scaled(rawFilter, filterScale);
  const output = rawOutput.map((row) => row.map((value, j) => divided(value, times(inputScale[j]!, filterScale[j]!))));
  return { m, side, input, filter, output, amplification: amplificationOf(input, filter, output) };
}

/** Coefficients of `Π (x − root)`, the constant first. */
function polynomial(roots: readonly Rational[]): Rational[] {
  let coefficients = [one];
  for (const root of roots) {
    const shifted = [zero, ...coefficients];
    coefficients = shifted.map((c, i) => minus(c, times(root, coefficients[i] ?? zero)));
  }
  return coefficients;
}

/** The power of two that brings a row's sum of magnitudes into (1/2, 1]. */
function scaleToOne(row: readonly Rational[]): Rational {
  const sum = row.reduce((total, value) => total + Math.abs(toNumber(value)), 0);
  return powerOfTwo(-Math.ceil(Math.log2(sum)));
}

/**
 * A rounding error in the value at point p reaches output i times `Aᵀ[i][p]`, and that value's size is the product of the
 * lengths of its rows in Bᵀ and G, against √3 for an output of the direct algorithm. Two dimensions multiply.
 */
function amplificationOf(input: RationalMatrix, filter: RationalMatrix, output: RationalMatrix): number {
  const square = (row: readonly Rational[]): number => row.reduce((sum, value) => sum + toNumber(value) ** 2, 0);
  const perRow = output.map((row) =>
    row.reduce((sum, a, p) => sum + (isZero(a) ? 0 : toNumber(a) ** 2 * square(input[p]!) * square(filter[p]!)), 0),
  );
  return Math.max(...perRow) / 3;
}
