/**
 * Σ weight, Σ weight · x and Σ weight · x² of the first i values, `[n + 1]` each, where x is the value less the
 * weighted median: the difference of two halves is exact, and smaller numbers cancel less.
 *
 * @typedef {{ w: Float64Array, wx: Float64Array, wxx: Float64Array }} PrefixSums
 * @param {Float64Array} values
 * @param {Float64Array} weights
 * @returns {PrefixSums}
 */
export function prefixSums(values, weights) {
  const n = values.length;
  const [w, wx, wxx] = [new Float64Array(n + 1), new Float64Array(n + 1), new Float64Array(n + 1)];
  for (let i = 0; i < n; i++) w[i + 1] = at(w, i) + at(weights, i);
  let median = 0;
  while (at(w, median + 1) < at(w, n) / 2) median++;
  for (let i = 0; i < n; i++) {
    const x = at(values, i) - at(values, median);
    const weight = at(weights, i);
    wx[i + 1] = at(wx, i) + weight * x;
    wxx[i + 1] = at(wxx, i) + weight * x * x;
  }
  return { w, wx, wxx };
}

/**
 * The squared error of values `from` to `to` (not included) about their mean: zero, exactly, for one value.
 *
 * @param {PrefixSums} sums
 * @param {number} from
 * @param {number} to
 */
export function errorOfRun({ w, wx, wxx }, from, to) {
  if (to - from < 2) return 0;
  const sum = at(wx, to) - at(wx, from);
  const error = at(wxx, to) - at(wxx, from) - (sum * sum) / (at(w, to) - at(w, from));
  return error > 0 ? error : 0;
}

/**
 * An element known to be there; the zero is for the type checker.
 *
 * @param {Float64Array | Int32Array | Uint16Array} array
 * @param {number} i
 * @returns {number}
 */
export function at(array, i) {
  return array[i] ?? 0;
}
