/** Of an output that holds infinities or NaN, which no formula ranks: no signal. */
const noSignal = 0;

/**
 * Peak signal to noise ratio in dB, as the published analysis has it:
 * `20·log10((max|test| + 1e-5) / (RMSE + 1e-10))`. Equal outputs give some 200 dB, by the small numbers that keep it finite.
 *
 * @param reference - Outputs of the model as it was.
 * @param test - Outputs of the model changed, as many. Where one is not finite the result is 0.
 */
export function psnr(reference: ArrayLike<number>, test: ArrayLike<number>): number {
  if (reference.length !== test.length || test.length === 0) {
    throw new RangeError(`psnr: expected ${reference.length} outputs, at least one, got ${test.length}.`);
  }
  let largest = 0;
  let square = 0;
  for (let i = 0; i < test.length; i++) {
    largest = Math.max(largest, Math.abs(test[i]!));
    square += (test[i]! - reference[i]!) ** 2;
  }
  const ratio = (largest + 1e-5) / (Math.sqrt(square / test.length) + 1e-10);
  return Number.isFinite(square) ? 20 * Math.log10(ratio) : noSignal;
}
