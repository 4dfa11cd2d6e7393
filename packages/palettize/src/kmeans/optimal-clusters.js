// JavaScript, not TypeScript, like what it imports: workers load these files as they are, from sources as from a build.
import { penalisedClusters } from './penalised-clusters.js';
import { at, errorOfRun, prefixSums } from './prefix-sums.js';

/** @typedef {import('./prefix-sums.js').PrefixSums} PrefixSums */

/**
 * An optimal clustering into so many runs.
 *
 * @typedef {object} Clustering
 * @property {number[]} ends Where each cluster ends, ascending: the first begins at 0, each other where the one before it
 *   ends, and the last end is n.
 * @property {number} error Σ weight · (value − its cluster's mean)².
 */

/** Up to here the table over numbers of runs is the faster way; measured on normal weights with 20,000 distinct values. */
const mostTabulated = 8;

/**
 * Exact weighted k-means in one dimension: among all ways to cut the ascending values into k runs, the one with the least
 * weighted squared error, in float64, for each k asked for.
 *
 * Few runs: dynamic programming over (number of runs, prefix). The cost of a run is had in constant time from prefix sums,
 * and where the last run of the best cut begins only moves right as the prefix grows, so each number of runs takes
 * O(n log n) by divide and conquer (Wu 1991; Grønlund et al., "Fast Exact k-Means in 1D", arXiv 1701.07204). Many runs: a
 * penalty on runs ({@link penalisedClusters}), O(n log n) for about ten penalties, whatever k.
 *
 * No randomness and no functions that engines round differently: the result is the same everywhere.
 *
 * @param {Float64Array} values Ascending, all different, fewer than 65,536, each a half float. `[n]`, n ≥ 1.
 * @param {Float64Array} weights Above zero. `[n]`
 * @param {readonly number[]} counts Numbers of clusters wanted, each at least 1; where one is n or more, each value is a
 *   cluster of its own.
 * @returns {Clustering[]} One for each number, in the order asked.
 */
export function optimalClusters(values, weights, counts) {
  const n = values.length;
  const sums = prefixSums(values, weights);
  const found = new Map(
    counts
      .filter((count) => count > mostTabulated && count < n)
      .map((count) => [count, penalisedClusters(sums, n, count)]),
  );
  const left = counts.filter((count) => count < n && !found.get(count));
  const table = left.length > 0 ? tabulate(sums, n, Math.max(...left)) : undefined;
  return counts.map((count) => {
    const ends =
      count >= n ? Array.from({ length: n }, (_, i) => i + 1) : (found.get(count) ?? traceBack(table, n, count));
    return { ends, error: ends.reduce((sum, end, i) => sum + errorOfRun(sums, ends[i - 1] ?? 0, end), 0) };
  });
}

/**
 * For 2 to `most` runs, where the last run of each prefix's best cut begins: element i of row `runs - 2`, rows of n + 1.
 *
 * @param {PrefixSums} sums
 * @param {number} n
 * @param {number} most
 */
function tabulate(sums, n, most) {
  let best = new Float64Array(n + 1);
  let next = new Float64Array(n + 1);
  for (let i = 1; i <= n; i++) best[i] = errorOfRun(sums, 0, i);
  const starts = new Uint16Array(Math.max(0, most - 1) * (n + 1));
  for (let runs = 2; runs <= most; runs++) {
    const row = starts.subarray((runs - 2) * (n + 1), (runs - 1) * (n + 1));
    const before = runs > 2 ? starts.subarray((runs - 3) * (n + 1), (runs - 2) * (n + 1)) : undefined;
    // Of the last row only the whole is wanted.
    fillRow(sums, best, next, row, before, runs, runs === most ? n : runs, n);
    [best, next] = [next, best];
  }
  return starts;
}

/**
 * @param {Uint16Array | undefined} table
 * @param {number} n
 * @param {number} count
 */
function traceBack(table, n, count) {
  const ends = [n];
  for (let runs = count; runs > 1; runs--) {
    ends.push(table ? at(table, (runs - 2) * (n + 1) + /** @type {number} */ (ends.at(-1))) : 0);
  }
  return ends.reverse();
}

/**
 * Fills `next` and `starts` for prefixes `lowest` to `highest` in `runs` runs. The middle prefix is solved by trying every
 * start between the bounds; it then bounds the halves to its left and right. Of equally good starts the first is taken.
 *
 * @param {PrefixSums} sums
 * @param {Float64Array} best Errors in one run fewer.
 * @param {Float64Array} next
 * @param {Uint16Array} starts
 * @param {Uint16Array | undefined} before Starts in one run fewer: a prefix's last run never begins earlier than there.
 * @param {number} runs
 * @param {number} lowest
 * @param {number} highest
 */
function fillRow({ w, wx, wxx }, best, next, starts, before, runs, lowest, highest) {
  // Ranges still to do: first prefix, last prefix, lowest start, highest start. Never deeper than the logarithm of n.
  const todo = new Int32Array(4 * 64);
  todo.set([lowest, highest, runs - 1, highest - 1]);
  for (let depth = 1; depth > 0;) {
    depth--;
    const [first, last] = [at(todo, 4 * depth), at(todo, 4 * depth + 1)];
    const [low, high] = [at(todo, 4 * depth + 2), at(todo, 4 * depth + 3)];
    const middle = (first + last) >> 1;
    const [wTo, wxTo, wxxTo] = [at(w, middle), at(wx, middle), at(wxx, middle)];

    const from = before ? Math.max(low, at(before, middle)) : low;
    const to = Math.min(high, middle - 1);
    let least = Infinity;
    let start = from;
    for (let j = from; j <= to; j++) {
      const sum = wxTo - at(wx, j);
      const error = wxxTo - at(wxx, j) - (sum * sum) / (wTo - at(w, j));
      // A run of one value costs nothing, exactly, whatever the sums' rounding.
      const total = at(best, j) + (error > 0 && j < middle - 1 ? error : 0);
      if (total < least) {
        least = total;
        start = j;
      }
    }
    next[middle] = least;
    starts[middle] = start;

    if (first < middle) {
      todo.set([first, middle - 1, low, start], 4 * depth);
      depth++;
    }
    if (middle < last) {
      todo.set([middle + 1, last, start, high], 4 * depth);
      depth++;
    }
  }
}
