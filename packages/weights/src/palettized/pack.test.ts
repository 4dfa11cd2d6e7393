import { paletteGroups } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { paletteBits } from './bits.js';
import { indexShape, storedBits, type StoredPaletteForm } from './form.js';
import { packIndices } from './pack.js';
import { decodePalettized, unpackIndices } from './unpack.js';

const shapes = [
  [32, 4],
  [1, 1],
  [33, 7],
  [5, 3, 3, 3],
  [70, 4, 1, 1],
  [64, 2, 1, 3],
];

/** Halves whose lookup is themselves: any number below 2^bits. */
function numbered(form: StoredPaletteForm): Uint16Array<ArrayBuffer> {
  const length = form.shape.reduce((a, b) => a * b, 1);
  return Uint16Array.from({ length }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> (32 - form.bits));
}

const identity = Uint8Array.from({ length: 256 }, (_, i) => i);

describe('packIndices', () => {
  it('puts index j of a block at bit j·bits of a little-endian string, columns by position and channel', () => {
    const form = { shape: [2, 2, 1, 2], bits: 4, group: 0 } as const;
    // [output][channel][tap]
    const halves = Uint16Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const packed = packIndices(form, halves, 0, () => identity);
    expect(packed).toHaveLength(4 * 16);
    const firstBytes = [0, 1, 2, 3].map((column) => packed[column * 16]);
    expect(firstBytes).toEqual([0x51, 0x73, 0x62, 0x84]);
    expect(packed.reduce((a, b) => a + b, 0)).toBe(0x51 + 0x73 + 0x62 + 0x84);
  });

  it('carries indices over bytes and words', () => {
    const form = { shape: [32, 1], bits: 3, group: 0 } as const;
    const indices = numbered(form);
    const packed = packIndices(form, indices, 0, () => identity);
    let whole = 0n;
    indices.forEach((index, j) => (whole |= BigInt(index) << BigInt(3 * j)));
    expect([...packed]).toEqual(Array.from({ length: 12 }, (_, i) => Number((whole >> BigInt(8 * i)) & 255n)));
  });

  it.each(paletteBits.flatMap((bits) => shapes.map((shape) => ({ bits, shape }))))(
    'comes back from $bits bits, $shape',
    ({ bits, shape }) => {
      const form = { shape, bits, group: 0 };
      const halves = numbered(form);
      const packed = packIndices(form, halves, 0, () => identity);
      expect(packed).toHaveLength(indexShape(form).reduce((a, b) => a * b, 1));
      const palette = Uint16Array.from({ length: 2 ** bits }, (_, i) => i);
      expect(decodePalettized(form, packed, palette)).toEqual(halves);
      expect(Math.max(...unpackIndices(form, packed))).toBeLessThan(2 ** bits);
    },
  );

  it('looks each output up in its own palette, bands as the whole', () => {
    const form = { shape: [70, 6], bits: 2, group: 12 } as const;
    expect(paletteGroups(form, 70)).toBe(6);
    const halves = numbered({ ...form, bits: 2 });
    const lookups = Array.from({ length: 6 }, (_, group) => Uint8Array.of(group & 3, 3, 2, 1));
    const lookupOf = (row: number) => lookups[Math.floor(row / 12)]!;
    const whole = packIndices(form, halves, 0, lookupOf);
    const bands = [halves.subarray(0, 64 * 6), halves.subarray(64 * 6)].map((band, i) =>
      Array.from(packIndices(form, band, 64 * i, lookupOf)),
    );
    expect(bands.flat()).toEqual([...whole]);
    const palettes = Uint16Array.from({ length: 24 }, (_, i) => i);
    const expected = Array.from(halves, (half, i) => {
      const group = Math.floor(Math.floor(i / 6) / 12);
      return group * 4 + lookups[group]![half]!;
    });
    expect([...decodePalettized(form, whole, palettes)]).toEqual(expected);
  });
});

describe('storedBits', () => {
  it('counts padding and palettes', () => {
    expect(storedBits({ shape: [64, 10], bits: 4, group: 0 })).toBe(64 * 10 * 4 + 16 * 16);
    expect(storedBits({ shape: [33, 10, 3, 3], bits: 1, group: 4 })).toBe(64 * 90 + 9 * 2 * 16);
  });
});
