import { randomArray } from '@pleinair/testing';
import { toHalfArray, type WeightLayout } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { convLayout, linearLayout } from './layout.js';

type Values = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Packs a tensor in bands of so many rows. */
function pack(layout: WeightLayout, values: Values, shape: readonly number[], bandRows: number): Values {
  const out =
    values instanceof Uint16Array
      ? new Uint16Array(layout.elements(shape))
      : new Float32Array(layout.elements(shape)).fill(NaN);
  const rows = shape[0]!;
  const width = values.length / rows;
  for (let first = 0; first < rows; first += bandRows) {
    const count = Math.min(bandRows, rows - first);
    const band = values.slice(first * width, (first + count) * width);
    for (const piece of layout.pack(band, first, count, shape)) {
      expect(piece.elementOffset % 4).toBe(0);
      expect(piece.values.length % 4).toBe(0);
      out.set(piece.values, piece.elementOffset);
    }
  }
  return out;
}

describe('linearLayout', () => {
  it('puts [n, k] at block n/32, row k, lane n%32, and zeros elsewhere', () => {
    const [n, k] = [70, 10];
    const values = randomArray(n * k, 1);
    const packed = pack(linearLayout, values, [n, k], 96);
    expect(packed.length).toBe(96 * 12);
    const expected = new Float32Array(packed.length);
    for (let row = 0; row < n; row++) {
      for (let i = 0; i < k; i++) expected[(Math.floor(row / 32) * 12 + i) * 32 + (row % 32)] = values[row * k + i]!;
    }
    expect(packed).toEqual(expected);
  });

  it('takes a 1×1 convolution as it takes a matrix', () => {
    const values = randomArray(33 * 6, 2);
    expect(pack(linearLayout, values, [33, 6, 1, 1], 64)).toEqual(pack(linearLayout, values, [33, 6], 64));
  });
});

describe('convLayout', () => {
  it('runs over (tap, input, channel), each input padded to 4', () => {
    const [n, c1, c2] = [5, 3, 6];
    const shape = [n, c1 + c2, 3, 3];
    const values = randomArray(n * (c1 + c2) * 9, 3);
    const packed = pack(convLayout([c1, c2]), values, shape, 32);
    const perTap = 4 + 8;
    const expected = new Float32Array(32 * 9 * perTap);
    for (let row = 0; row < n; row++) {
      for (let c = 0; c < c1 + c2; c++) {
        for (let tap = 0; tap < 9; tap++) {
          const k = tap * perTap + (c < c1 ? c : 4 + c - c1);
          expected[k * 32 + row] = values[(row * (c1 + c2) + c) * 9 + tap]!;
        }
      }
    }
    expect(packed).toEqual(expected);
  });

  it('gives layouts of different splits different keys', () => {
    expect(convLayout([4, 8]).key).not.toBe(convLayout([8, 4]).key);
  });
});

describe('bands', () => {
  const cases: [string, WeightLayout, number[]][] = [
    ['linear', linearLayout, [200, 33]],
    ['conv', convLayout([10]), [100, 10, 3, 3]],
    ['dual conv', convLayout([5, 7]), [70, 12, 3, 3]],
    ['1×1', convLayout([5, 7]), [64, 12, 1, 1]],
  ];
  for (const [name, layout, shape] of cases) {
    it(`of ${name} weights pack as the whole does, f32 and f16`, () => {
      const values = randomArray(
        shape.reduce((a, b) => a * b, 1),
        4,
      );
      for (const kind of [values, toHalfArray(values)]) {
        const whole = pack(layout, kind, shape, shape[0]!);
        expect(pack(layout, kind, shape, layout.bandRows)).toEqual(whole);
        expect(pack(layout, kind, shape, 2 * layout.bandRows)).toEqual(whole);
      }
    });
  }
});
