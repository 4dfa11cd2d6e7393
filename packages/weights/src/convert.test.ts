import { fromHalfBits, toHalfBits } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { Converter } from './convert.js';

const bytesOf = (view: ArrayBufferView<ArrayBuffer>) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

describe('F32 to f16', () => {
  it('rounds as toHalfBits does: around every half, at ties, subnormals and zeros', () => {
    const bits = new Float32Array(1);
    const word = new Uint32Array(bits.buffer);
    const values: number[] = [];
    for (let half = 0; half < 0x7c00; half++) {
      const tie = (fromHalfBits(half) + (half === 0x7bff ? fromHalfBits(half) : fromHalfBits(half + 1))) / 2;
      for (const value of [fromHalfBits(half), tie]) {
        bits[0] = value;
        for (const step of [-1, 0, 1]) {
          if (word[0] === 0 && step < 0) continue;
          values.push(new Float32Array(Uint32Array.of(word[0]! + step).buffer)[0]!);
        }
      }
    }
    values.push(2 ** -25, 2 ** -26, 1.4e-45, 0.75 * 2 ** -24);
    const input = Float32Array.from(values.flatMap((v) => [v, -v]));
    const { values: got, bad } = new Converter().convert(bytesOf(input), 'F32', 'f16');
    expect(bad).toBeUndefined();
    const expected = Uint16Array.from(input, toHalfBits);
    expect(Buffer.from(got.buffer, got.byteOffset, got.byteLength).equals(Buffer.from(expected.buffer))).toBe(true);
  });

  it.each([65520, -65520, 1e30, Infinity, -Infinity, NaN])('reports %d', (value) => {
    const input = Float32Array.of(1, 65519, value, 2);
    expect(new Converter().convert(bytesOf(input), 'F32', 'f16').bad).toBe(2);
    expect(new Converter().convert(bytesOf(input), 'F32', 'f32').bad).toBeUndefined();
  });
});

describe('BF16', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const finite = all.filter((bits) => (bits & 0x7fff) < 0x4780);

  it('rounds to f16 as the same value in F32 does', () => {
    const floats = new Float32Array(Uint32Array.from(finite, (bits) => bits << 16).buffer);
    const { values, bad } = new Converter().convert(bytesOf(finite), 'BF16', 'f16');
    expect(bad).toBeUndefined();
    expect(values).toEqual(Uint16Array.from(floats, toHalfBits));
  });

  it('reports what f16 cannot hold', () => {
    const input = Uint16Array.of(0x3f80, 0x477f, 0xc780);
    expect(new Converter().convert(bytesOf(input), 'BF16', 'f16').bad).toBe(2);
  });

  it('is exact in f32', () => {
    const { values } = new Converter().convert(bytesOf(all), 'BF16', 'f32');
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    expect(bits.every((word, i) => word === (i << 16) >>> 0)).toBe(true);
  });
});

describe('F16', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

  it('is taken as it is, without a copy', () => {
    const { values } = new Converter().convert(bytesOf(all), 'F16', 'f16');
    expect(values.buffer).toBe(all.buffer);
    expect(values).toEqual(all);
  });

  it('is exact in f32', () => {
    const { values } = new Converter().convert(bytesOf(all), 'F16', 'f32');
    expect(values).toEqual(Float32Array.from(all, fromHalfBits));
  });
});

it('takes bytes that are not aligned', () => {
  for (const [dtype, input] of [
    ['F32', Float32Array.of(1, -2, 3)],
    ['F16', Uint16Array.of(1, 2, 3)],
    ['BF16', Uint16Array.of(0x3f80, 0xc000, 0)],
  ] as const) {
    for (const storage of ['f16', 'f32'] as const) {
      const shifted = new Uint8Array(input.byteLength + 3);
      shifted.set(bytesOf(input), 3);
      const got = new Converter().convert(shifted.subarray(3), dtype, storage).values.slice();
      expect(got).toEqual(new Converter().convert(bytesOf(input), dtype, storage).values.slice());
    }
  }
});

it('reuses its memory for runs of changing length', () => {
  const converter = new Converter();
  const long = converter.convert(bytesOf(Float32Array.from({ length: 100 }, (_, i) => i)), 'F32', 'f16').values;
  const short = converter.convert(bytesOf(Float32Array.of(5)), 'F32', 'f16').values;
  expect(short.buffer).toBe(long.buffer);
  expect([...short]).toEqual([toHalfBits(5)]);
});
