import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesPerElement, fromHalfArray, fromHalfBits, toHalfArray, toHalfBits } from './dtype.js';

/** Every half float that is not NaN, ascending, by definition of the format. */
const finite = Array.from({ length: 0x7c00 }, (_, bits) => {
  const exponent = bits >> 10;
  const fraction = bits & 0x3ff;
  return exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
});

/** Nearest half by search among all of them, ties to the even pattern; 65520 and more round to infinity. */
function nearest(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  let low = 0;
  let high = finite.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (finite[middle]! <= magnitude) low = middle;
    else high = middle;
  }
  const down = magnitude - finite[low]!;
  const up = finite[high]! - magnitude;
  return sign | (up < down || (up === down && (high & 1) === 0) ? high : low);
}

describe('half floats', () => {
  test('all 65,536 patterns come back from their values', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromHalfBits(bits);
      if ((bits & 0x7fff) > 0x7c00) {
        expect(value).toBeNaN();
        const back = toHalfBits(value);
        expect((back & 0x7c00) === 0x7c00 && (back & 0x3ff) !== 0).toBe(true);
      } else {
        if (toHalfBits(value) !== bits) expect.fail(`pattern ${bits} gave ${value}, which gave ${toHalfBits(value)}`);
        if ((bits & 0x7fff) < 0x7c00 && Math.abs(value) !== finite[bits & 0x7fff]) expect.fail(`pattern ${bits}`);
      }
    }
  });

  test('the midpoint between any two neighbours rounds to the even one, and a hair beside it to the nearer', () => {
    const next = new Float32Array(1);
    const asBits = new Uint32Array(next.buffer);
    for (let bits = 0; bits + 1 < finite.length; bits++) {
      const middle = (finite[bits]! + finite[bits + 1]!) / 2; // exact in f32
      next[0] = middle;
      asBits[0]! += 1;
      const above = next[0];
      next[0] = middle;
      asBits[0]! -= 1;
      const below = next[0];
      const even = bits & 1 ? bits + 1 : bits;
      if (toHalfBits(middle) !== even || toHalfBits(above) !== bits + 1 || toHalfBits(below) !== bits)
        expect.fail(`around ${middle}: ${toHalfBits(below)} ${toHalfBits(middle)} ${toHalfBits(above)}`);
      if (toHalfBits(-middle) !== (even | 0x8000)) expect.fail(`around ${-middle}`);
    }
  });

  test('any f32 rounds as by search', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(toHalfBits(value)).toBe(nearest(value));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [1e9, 0x7c00],
    [-Infinity, 0xfc00],
    [-0, 0x8000],
    [2 ** -25, 0], // halfway to the least subnormal: ties to even zero
    [2 ** -25 * 1.0001, 1],
    [2 ** -14 * (1 - 2 ** -12), 0x0400], // rounds up out of the subnormals
    [1e-30, 0],
  ])('%d has bits %d', (value, bits) => expect(toHalfBits(value)).toBe(bits));

  test('arrays', () => {
    expect([...fromHalfArray(toHalfArray([1, -2.5, 0]))]).toEqual([1, -2.5, 0]);
    expect(toHalfArray([]).length).toBe(0);
    expect([bytesPerElement('f16'), bytesPerElement('i32')]).toEqual([2, 4]);
  });
});
