/**
 * Rounds to the nearest float16, ties to even, going through float32 first as torch's conversions do.
 * Returned as a number: every float16 is one.
 */
export function roundToHalf(value: number): number {
  const single = Math.fround(value);
  if (Number.isNaN(single)) return NaN;
  const size = roundSize(Math.abs(single));
  // Keeps the sign of zeros too.
  return single < 0 || Object.is(single, -0) ? -size : size;
}

function roundSize(size: number): number {
  if (size >= 65520) return Infinity;
  // Spacing of float16 numbers here: 2^-24 among subnormals, else 2^(exponent − 10).
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const spacing = 2 ** (exponent - 10);
  const scaled = size / spacing;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return (floor + (up ? 1 : 0)) * spacing;
}
