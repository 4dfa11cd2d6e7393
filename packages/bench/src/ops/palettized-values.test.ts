import { Graph, WeightScope, type PaletteBits, type Weight } from '@pleinair/tensor';
import { convWeight, linearWeight } from '@pleinair/kernels';
import { describe, expect, it } from 'vitest';
import { decodedValues, palettizedPieces, palettizedValues } from './palettized-values.js';

function weightOf(bits: PaletteBits, shape: readonly number[]): Weight {
  const g = new Graph('test', { dtype: 'f16', palettes: () => ({ bits }) });
  const scope = new WeightScope(g);
  const [n, c, kernel] = shape as [number, number, (1 | 3)?];
  return kernel ? convWeight(scope, n, [c], kernel) : linearWeight(scope, n, c);
}

describe.each([[[70, 8]], [[33, 4, 3, 3]]])('made-up palettized weights of %j', (shape) => {
  it.each([1, 2, 3, 4, 6, 8] as const)('hold the same packed and decoded: %i bits', (bits) => {
    const values = palettizedValues('w', shape, bits);
    const weight = weightOf(bits, shape);
    const words = new Uint32Array(weight.byteLength / 4);
    for (const { elementOffset, values: piece } of palettizedPieces(weight, values)) words.set(piece, elementOffset);
    const [rows, channels, ...kernel] = shape as [number, number, ...number[]];
    const taps = kernel.reduce((a, b) => a * b, 1);
    const columns = channels * taps;
    const table = words.length - (Math.ceil(rows / 32) * columns * 32 * bits) / 32;
    const halves = new Uint16Array(words.buffer);
    const decoded = decodedValues(values, shape);
    const expected = new Map([...values.palette].map((half, i) => [half, values.palette.indexOf(half) === i]));
    expect(expected.size).toBe(2 ** bits);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let index = 0;
        for (let b = 0; b < bits; b++) {
          const bit = (row % 32) * bits + b;
          const word = words[table + (Math.floor(row / 32) * columns + column) * bits + (bit >> 5)]!;
          index |= ((word >>> (bit & 31)) & 1) << b;
        }
        const at = row * columns + (column % channels) * taps + Math.floor(column / channels);
        const entry = new Float32Array([decoded[at]!])[0]!;
        expect(halves[index]).toBe(values.palette[index]);
        expect(decodedValues({ palette: values.palette, indices: Uint8Array.of(index) }, [1, 1])[0]).toBe(entry);
      }
    }
    // As large as plain weights: a chain of any length keeps its numbers in range.
    const meanSquare = decoded.reduce((sum, v) => sum + v * v, 0) / decoded.length;
    expect(meanSquare * columns).toBeGreaterThan(0.7);
    expect(meanSquare * columns).toBeLessThan(1.4);
  });
});
