/** A point of PSNR against size. */
export interface CurvePoint {
  /** Average bits a weight, palettes or scales included. */
  readonly bits: number;
  /** In dB. */
  readonly psnr: number;
  /** Average bits of indices or codes alone, as published figures count them: what palettes, scales and padding add is left out. */
  readonly indexBits?: number;
}

/**
 * A curve's PSNR at some average bits, linear between its points; nothing beyond its ends.
 *
 * @param points - In any order.
 */
export function psnrAt(points: readonly CurvePoint[], bits: number): number | undefined {
  const sorted = points.toSorted((a, b) => a.bits - b.bits);
  const after = sorted.findIndex((point) => point.bits >= bits);
  if (after < 0) return undefined;
  const b = sorted[after]!;
  if (b.bits === bits) return b.psnr;
  const a = sorted[after - 1];
  return a && a.psnr + ((b.psnr - a.psnr) * (bits - a.bits)) / (b.bits - a.bits);
}

/** Two curves at one size. */
export interface Advantage {
  readonly bits: number;
  readonly of: number;
  readonly over: number;
  /** `of` less `over`, in dB. */
  readonly gain: number;
}

/** How far one curve lies above another at some average bits; sizes that either does not reach are left out. */
export function advantages(
  of: readonly CurvePoint[],
  over: readonly CurvePoint[],
  sizes: readonly number[],
): Advantage[] {
  return sizes.flatMap((bits) => {
    const [upper, lower] = [psnrAt(of, bits), psnrAt(over, bits)];
    return upper === undefined || lower === undefined ? [] : [{ bits, of: upper, over: lower, gain: upper - lower }];
  });
}
