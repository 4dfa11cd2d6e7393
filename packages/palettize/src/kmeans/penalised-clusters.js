import { at, errorOfRun } from './prefix-sums.js';

/** @typedef {import('./prefix-sums.js').PrefixSums} PrefixSums */

/** Penalties tried before giving up. About ten are needed. */
const mostTries = 64;

/**
 * An optimal clustering into exactly `count` runs by way of a penalty: for a penalty λ on each run, the cut of least
 * error + λ · runs is found in O(n log n) whatever its number of runs r(λ), and it is optimal among all cuts into r(λ) runs
 * (Aggarwal, Schieber, Tokuyama 1994, for costs with the Monge property, which squared error about the mean has). λ is
 * sought until r(λ) is `count`.
 *
 * @param {PrefixSums} sums
 * @param {number} n
 * @param {number} count 2 ≤ count < n.
 * @returns {number[] | undefined} Ends of the runs; undefined where no penalty gives this number, as several are equally
 *   good at one λ. That needs errors that fall by equal steps, as with evenly spaced values of equal weight.
 */
export function penalisedClusters(sums, n, count) {
  const whole = errorOfRun(sums, 0, n);
  if (whole === 0) return undefined;
  // For a smooth distribution runs grow as the cube root of 1/λ; so they are almost straight in s = λ^(-1/4), which takes
  // only square roots (exact by the standard; powers and logarithms differ between engines).
  const penaltyOf = (/** @type {number} */ s) => 1 / (s * s * s * s);
  let fewS = 0; // a penalty without end: one run
  let few = 1;
  let manyS = Infinity;
  let many = n;
  let s = Math.sqrt(Math.sqrt((count * count * count) / (2 * whole)));
  for (let tries = 0; tries < mostTries; tries++) {
    const starts = leastPenalised(sums, n, penaltyOf(s));
    const runs = countRuns(starts, n);
    if (runs === count) return endsOf(starts, n);
    if (runs < count) [fewS, few] = [s, runs];
    else [manyS, many] = [s, runs];
    if (manyS === Infinity) {
      s *= Math.max(1.1, count / few);
      continue;
    }
    // Along the line between what is known, but well inside; halving every third time bounds the number of tries.
    const share = tries % 3 === 2 ? 0.5 : Math.min(0.95, Math.max(0.05, (count - few) / (many - few)));
    const before = s;
    s = fewS + (manyS - fewS) * share;
    if (s === before || !(s > fewS && s < manyS)) return undefined;
  }
  return undefined;
}

/**
 * Where the last run of the best penalised cut of each prefix begins. `[n + 1]`
 *
 * Prefixes come one by one. A later start, once better than an earlier one, stays better; so the starts that may still win
 * form a queue, each with the prefix from which on it does.
 *
 * @param {PrefixSums} sums
 * @param {number} n
 * @param {number} penalty
 */
function leastPenalised(sums, n, penalty) {
  const { w, wx, wxx } = sums;
  const best = new Float64Array(n + 1);
  const starts = new Int32Array(n + 1);
  const queue = new Int32Array(n + 1);
  const since = new Int32Array(n + 1);
  const through = (/** @type {number} */ start, /** @type {number} */ to) => {
    const sum = at(wx, to) - at(wx, start);
    const error = at(wxx, to) - at(wxx, start) - (sum * sum) / (at(w, to) - at(w, start));
    return at(best, start) + (error > 0 && to - start > 1 ? error : 0);
  };

  let front = 0;
  let back = 0;
  queue[0] = 0;
  since[0] = 1;
  for (let i = 1; i <= n; i++) {
    while (front < back && at(since, front + 1) <= i) front++;
    const start = at(queue, front);
    best[i] = through(start, i) + penalty;
    starts[i] = start;
    if (i === n) break;

    // From where on does starting at i beat the last in the queue?
    while (
      back > front &&
      through(i, Math.max(at(since, back), i + 1)) < through(at(queue, back), Math.max(at(since, back), i + 1))
    ) {
      back--;
    }
    const rival = at(queue, back);
    let low = Math.max(at(since, back), i + 1);
    let high = n + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (through(i, middle) < through(rival, middle)) high = middle;
      else low = middle + 1;
    }
    if (low > n) continue;
    back++;
    queue[back] = i;
    since[back] = low;
  }
  return starts;
}

/**
 * @param {Int32Array} starts
 * @param {number} n
 */
function countRuns(starts, n) {
  let runs = 0;
  for (let i = n; i > 0; i = at(starts, i)) runs++;
  return runs;
}

/**
 * @param {Int32Array} starts
 * @param {number} n
 */
function endsOf(starts, n) {
  const ends = [];
  for (let i = n; i > 0; i = at(starts, i)) ends.push(i);
  return ends.reverse();
}
