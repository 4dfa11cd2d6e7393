/**
 * Peak signal to noise of two pictures' colours, in dB; of equal ones some 100, as if one value were off by one.
 *
 * @param a - RGBA, opaque, as `b`.
 */
export function picturePsnr(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0) throw new RangeError(`pictures of ${a.length} and ${b.length} values`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2; // alpha adds nothing
  return 10 * Math.log10((255 ** 2 * a.length * 0.75) / Math.max(sum, 1));
}
