/**
 * Solves a small dense system by elimination with pivots.
 *
 * @param matrix - Rows; consumed.
 * @param right - The right side; consumed.
 */
export function solveLinear(matrix: number[][], right: number[]): number[] {
  const n = right.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(matrix[row]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = row;
    }
    [matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!];
    [right[column], right[pivot]] = [right[pivot]!, right[column]!];
    for (let row = column + 1; row < n; row++) {
      const factor = matrix[row]![column]! / matrix[column]![column]!;
      for (let k = column; k < n; k++) matrix[row]![k]! -= factor * matrix[column]![k]!;
      right[row]! -= factor * right[column]!;
    }
  }
  const solution = right.slice();
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) solution[row]! -= matrix[row]![k]! * solution[k]!;
    solution[row]! /= matrix[row]![row]!;
  }
  return solution;
}
