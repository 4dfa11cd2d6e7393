/** A small square matrix, row by row. `[n · n]` */
export type SquareMatrix = Float64Array<ArrayBuffer>;

/**
 * The lower triangle `L` of `L Lᵀ = a`.
 *
 * @param a - Symmetric, positive definite.
 */
export function cholesky(a: SquareMatrix, n: number): SquareMatrix {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let left = a[i * n + j]!;
      for (let k = 0; k < j; k++) left -= lower[i * n + k]! * lower[j * n + k]!;
      lower[i * n + j] = i === j ? Math.sqrt(left) : left / lower[j * n + j]!;
    }
  }
  return lower;
}

/** What is off the diagonal, as a share of what is on it, both squared: above what rounding leaves of 10⁸ numbers. */
const diagonalBelow = 1e-24;

/** Rounds after which a matrix of this size has long been diagonal. */
const mostRounds = 60;

/**
 * Eigenvalues of a symmetric matrix, largest first, and their vectors, by Jacobi's rotations.
 *
 * @returns `vectors[i]` has length 1 and belongs to `values[i]`.
 */
export function eigenvectors(
  a: SquareMatrix,
  n: number,
): { readonly values: readonly number[]; readonly vectors: readonly Float64Array[] } {
  const m = a.slice();
  const turned = new Float64Array(n * n);
  for (let i = 0; i < n; i++) turned[i * n + i] = 1;
  for (let round = 0; round < mostRounds && !isDiagonal(m, n); round++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(m, turned, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => m[j * n + j]! - m[i * n + i]! || i - j);
  return {
    values: order.map((i) => m[i * n + i]!),
    vectors: order.map((i) => Float64Array.from({ length: n }, (_, row) => turned[row * n + i]!)),
  };
}

function isDiagonal(m: SquareMatrix, n: number): boolean {
  let off = 0;
  let on = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j) on += m[i * n + j]! ** 2;
      else off += m[i * n + j]! ** 2;
    }
  }
  return off <= diagonalBelow * on;
}

/** Turns rows and columns p and q so that `m[p, q]` becomes zero. */
function rotate(m: SquareMatrix, turned: SquareMatrix, n: number, p: number, q: number): void {
  const off = m[p * n + q]!;
  if (off === 0) return;
  const slope = (m[q * n + q]! - m[p * n + p]!) / (2 * off);
  const tangent = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.sqrt(slope * slope + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (let k = 0; k < n; k++) turn(m, k * n + p, k * n + q, cosine, sine);
  for (let k = 0; k < n; k++) turn(m, p * n + k, q * n + k, cosine, sine);
  for (let k = 0; k < n; k++) turn(turned, k * n + p, k * n + q, cosine, sine);
}

function turn(values: Float64Array, at: number, to: number, cosine: number, sine: number): void {
  const [a, b] = [values[at]!, values[to]!];
  values[at] = cosine * a - sine * b;
  values[to] = sine * a + cosine * b;
}
