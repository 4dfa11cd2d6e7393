/** An exact fraction in lowest terms, its denominator positive. */
export interface Rational {
  readonly over: bigint;
  readonly under: bigint;
}

/** `over / under`, reduced. */
export function rational(over: number | bigint, under: number | bigint = 1): Rational {
  const [a, b] = [BigInt(over), BigInt(under)];
  const divisor = greatestCommonDivisor(a, b) * (b < 0n ? -1n : 1n);
  return { over: a / divisor, under: b / divisor };
}

export function plus(a: Rational, b: Rational): Rational {
  return rational(a.over * b.under + b.over * a.under, a.under * b.under);
}

export function minus(a: Rational, b: Rational): Rational {
  return plus(a, negated(b));
}

export function times(a: Rational, b: Rational): Rational {
  return rational(a.over * b.over, a.under * b.under);
}

export function divided(a: Rational, b: Rational): Rational {
  return rational(a.over * b.under, a.under * b.over);
}

export function negated(a: Rational): Rational {
  return { over: -a.over, under: a.under };
}

export function isZero(a: Rational): boolean {
  return a.over === 0n;
}

export function equal(a: Rational, b: Rational): boolean {
  return a.over === b.over && a.under === b.under;
}

/** `2^exponent`, exactly. */
export function powerOfTwo(exponent: number): Rational {
  return exponent >= 0 ? rational(1n << BigInt(exponent)) : rational(1n, 1n << BigInt(-exponent));
}

/** The nearest float64: both parts of our fractions are far below 2^53. */
export function toNumber(a: Rational): number {
  return Number(a.over) / Number(a.under);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x === 0n ? 1n : x;
}
