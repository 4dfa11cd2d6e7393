/** The sum of some numbers. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The mean of some numbers, at least one. */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
