import { fromHalfBits, toHalfBits } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { winogradTransforms, type TileSize } from './cook-toom.js';
import { winogradStorage, type WinogradStorage } from './precision.js';
import { toNumber } from './rational.js';

/** Pixels of four filters to look at; with WINOGRAD_ERRORS set, as many as the table of docs/kernels/conv2d.md is made of. */
const pixels = process.env.WINOGRAD_ERRORS ? 576 : 144;

const half = (value: number): number => fromHalfBits(toHalfBits(value));
const all = (dtype: 'f16' | 'f32'): WinogradStorage => ({ points: dtype, filters: dtype, products: dtype });

/** Numbers of a standard normal distribution (Box and Muller), as halves. */
function normals(count: number, seed: number, scale = 1): Float64Array {
  const [a, b] = [randomArray(count, seed), randomArray(count, seed + 1)];
  return Float64Array.from({ length: count }, (_, i) =>
    half(scale * Math.sqrt(-2 * Math.log((a[i]! + 1) / 2 + 1e-12)) * Math.cos(Math.PI * b[i]!)),
  );
}

const silu = (x: number): number => x / (1 + Math.exp(-x));

/** `T X Tᵀ` with every multiply-add rounded to f32, as a kernel does it. */
function transformed(matrix: readonly (readonly number[])[], x: Float64Array): Float64Array {
  const size = matrix[0]!.length;
  const n = matrix.length;
  const along = new Float64Array(size * n);
  for (let r = 0; r < size; r++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let c = 0; c < size; c++) sum = Math.fround(sum + Math.fround(matrix[j]![c]!) * x[r * size + c]!);
      along[r * n + j] = sum;
    }
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let r = 0; r < size; r++) sum = Math.fround(sum + Math.fround(matrix[i]![r]!) * along[r * n + j]!);
      out[i * n + j] = sum;
    }
  return out;
}

/** Error of F(m, 3) on tiles of a layer's data against the direct sum in float64, over the outputs' root mean square. */
function errors(m: TileSize, channels: number, storage: WinogradStorage): { rms: number; max: number } {
  const { side, input, filter, output } = winogradTransforms(m);
  const [B, G, A] = [input, filter, output].map((matrix) => matrix.map((row) => row.map(toNumber)));
  const kept = (values: Float64Array, dtype: 'f16' | 'f32'): Float64Array =>
    dtype === 'f16' ? values.map(half) : values;
  // As many outputs whatever m.
  const tiles = Math.round(pixels / m ** 2);
  const filters = 4;
  const weights = normals(filters * channels * 9, 7, 1 / Math.sqrt(9 * channels));
  const u = Array.from({ length: filters * channels }, (_, i) =>
    kept(transformed(G!, weights.subarray(9 * i, 9 * i + 9)), storage.filters),
  );
  let [squares, size, worst, count] = [0, 0, 0, 0];
  for (let t = 0; t < tiles; t++) {
    const d = normals(channels * side * side, 1000 + 2 * t).map((x) => half(silu(x)));
    const v = Array.from({ length: channels }, (_, c) =>
      kept(transformed(B!, d.subarray(c * side * side, (c + 1) * side * side)), storage.points),
    );
    for (let f = 0; f < filters; f++) {
      const sums = new Float64Array(side * side);
      for (let c = 0; c < channels; c++) {
        const [vc, uc] = [v[c]!, u[f * channels + c]!];
        for (let p = 0; p < sums.length; p++) sums[p] = Math.fround(sums[p]! + vc[p]! * uc[p]!);
      }
      const y = transformed(A!, kept(sums, storage.products));
      for (let i = 0; i < m; i++)
        for (let j = 0; j < m; j++, count++) {
          let direct = 0;
          for (let c = 0; c < channels; c++)
            for (let tap = 0; tap < 9; tap++)
              direct +=
                d[(c * side + i + Math.floor(tap / 3)) * side + j + (tap % 3)]! *
                weights[(f * channels + c) * 9 + tap]!;
          const error = Math.abs(y[i * m + j]! - direct);
          squares += error * error;
          size += direct * direct;
          worst = Math.max(worst, error);
        }
    }
  }
  const rms = Math.sqrt(size / count);
  return { rms: Math.sqrt(squares / count) / rms, max: worst / rms };
}

/** Rounding of one number to a half, relative, root mean square at its largest: half a unit, uniform. */
const halfRounding = 2 ** -11 / Math.sqrt(3);

describe.each([320, 512])('error over the outputs’ root mean square, %i channels of a normalised layer', (channels) => {
  it.each([2, 4, 6, 8] as const)('of F(%i, 3) is what its amplification says', (m) => {
    const { amplification } = winogradTransforms(m);
    const rows: Record<string, { rms: number; max: number }> = {};
    rows.f32 = errors(m, channels, all('f32'));
    rows.f16 = errors(m, channels, all('f16'));
    const chosen = winogradStorage(amplification, 'f16', m <= 4 ? 'f16' : 'none')!;
    rows.chosen = errors(m, channels, chosen);
    if (process.env.WINOGRAD_ERRORS) console.log(JSON.stringify({ channels, m, ...rows }));
    const roundings = Object.values(chosen).filter((dtype) => dtype === 'f16').length;
    // f32: sums over channels round as often as there are channels, but only their last roundings are of full size.
    expect(rows.f32.rms).toBeLessThan(amplification * Math.sqrt(channels) * 2 ** -24);
    expect(rows.f16.rms).toBeLessThan(amplification * Math.sqrt(3) * halfRounding);
    expect(rows.chosen.rms).toBeLessThan(
      amplification * (Math.sqrt(roundings) * halfRounding + Math.sqrt(channels) * 2 ** -24),
    );
    // What is chosen never strays by a hundredth.
    expect(rows.chosen.max).toBeLessThan(0.01);
  });
});
