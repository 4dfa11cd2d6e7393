/**
 * Single-precision logarithm, sine and cosine from the Cephes polynomials (Moshier), in the order of operations and
 * with the fused multiply-adds of the vectorised code in torch's x86 build (its `avx_mathfun.h`, itself Cephes'
 * `logf` and `sincosf` by way of sse_mathfun). Noise made from them is torch's bit for bit, which noise made from
 * `Math.log` is not.
 */
const { fround } = Math;

/** A fused multiply-add in float32: the product is exact in float64, the sum rounded once more than hardware does. */
function fma(a: number, b: number, c: number): number {
  return fround(a * b + c);
}

const LOG_POLYNOMIAL = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(fround);
const LOG_2_LOW = fround(-2.1219444e-4);
const LOG_2_HIGH = 0.693359375;
const SQRT_HALF = fround(Math.SQRT1_2);

/** ln x for normal positive float32 x, as float32. */
export function logf(x: number): number {
  // x = fraction · 2^exponent with fraction in [0.5, 1).
  let exponent = Math.floor(Math.log2(x)) + 1;
  let fraction = x / 2 ** exponent;
  // Not every engine's log2 is exact at powers of two.
  if (fraction >= 1) {
    fraction /= 2;
    exponent += 1;
  }
  let t = fraction - 1;
  if (fraction < SQRT_HALF) {
    exponent -= 1;
    t = fround(t + fraction);
  }
  const square = fround(t * t);
  let y = LOG_POLYNOMIAL[0]!;
  for (let i = 1; i < LOG_POLYNOMIAL.length; i++) y = fma(y, t, LOG_POLYNOMIAL[i]!);
  y = fround(y * t);
  y = fma(y, square, fround(exponent * LOG_2_LOW));
  y = fma(-0.5, square, y);
  return fma(exponent, LOG_2_HIGH, fround(t + y));
}

const FOUR_OVER_PI = fround(1.27323954473516);
const PI_4_PARTS = [-0.78515625, -2.4187564849853516e-4, -3.774894977445941e-8].map(fround);
const SIN_POLYNOMIAL = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);
const COS_POLYNOMIAL = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);

/** Sine and cosine of a float32 x of at least 0 (and below 8192), as float32. */
export function sincosf(x: number): [sin: number, cos: number] {
  // Even octant at or above x·4/π, so that the rest is within ±π/4.
  const octant = (Math.trunc(fround(x * FOUR_OVER_PI)) + 1) & ~1;
  let rest = x;
  for (const part of PI_4_PARTS) rest = fma(octant, part, rest);
  const square = fround(rest * rest);

  let cos = fma(fma(COS_POLYNOMIAL[0]!, square, COS_POLYNOMIAL[1]!), square, COS_POLYNOMIAL[2]!);
  cos = fround(cos * square);
  cos = fround(fma(cos, square, -0.5 * square) + 1);

  let sin = fma(fma(SIN_POLYNOMIAL[0]!, square, SIN_POLYNOMIAL[1]!), square, SIN_POLYNOMIAL[2]!);
  sin = fma(fround(sin * square), rest, rest);

  const swapped = (octant & 2) !== 0;
  const sinSign = octant & 4 ? -1 : 1;
  const cosSign = (octant - 2) & 4 ? 1 : -1;
  return [sinSign * (swapped ? cos : sin), cosSign * (swapped ? sin : cos)];
}
