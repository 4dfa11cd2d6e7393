/** @typedef {import('@pleinair/bench').BenchReport} Report */

/** Columns of the table of measured adapters. */
export const deviceHeads = Object.freeze([
  'adapter',
  'storage',
  'multiply-adds',
  'copying',
  'best product',
  'best 3×3 convolution',
  'against ONNX Runtime',
  'measured',
]);

/**
 * A report's row in the table of measured adapters. Pages use it too, so it asks for nothing of Node.
 *
 * @param {Report} report
 * @returns {string[]} As many texts as {@link deviceHeads}.
 */
export function deviceCells({ adapter, dtype, peaks, results, summary, date, versions }) {
  /** @param {(result: Report['results'][number]) => boolean} of */
  const best = (of) => results.filter(of).sort((a, b) => (b.gflops ?? 0) - (a.gflops ?? 0))[0];
  /** @param {Report['results'][number] | undefined} result */
  const speed = (result) =>
    result?.gflops && result.shareOfPeak
      ? `${result.gflops.toPrecision(3)} GFLOP/s, ${percent(result.shareOfPeak)}`
      : '';
  return [
    adapter.name,
    dtype,
    `${peaks.fma.best.toPrecision(3)} GFLOP/s`,
    `${peaks.copy.best.toPrecision(3)} GB/s`,
    speed(best(({ suite }) => suite === 'matmul')),
    speed(best(({ suite, shape }) => suite === 'conv' && shape.includes('3×3'))),
    summary?.geomeanRatio && summary.minRatio
      ? `${summary.geomeanRatio.toFixed(2)}×, least ${summary.minRatio.toFixed(2)}×`
      : '',
    `${date}, Pleinair ${versions.pleinair}`,
  ];
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}
