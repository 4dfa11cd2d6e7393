/** A change of a weight as a product: `up · down`, `[N, rank]` by `[rank, K]`, all of a row flattened into K. */
export interface LowRank {
  readonly rank: number;
  readonly down: Float32Array;
  readonly up: Float32Array;
}

/** A factor as it lies in the file, widened. */
export interface Factor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** `[r, in, ...taps]` → `[r, K]`; LoCon's middle convolution, `[r, m, kh, kw]` over `[m, in]`, is worked into it. */
export function downRows(down: Factor, mid: Factor | undefined): Float32Array {
  if (!mid) return down.values;
  const [rank, inner, ...kernel] = mid.shape as [number, number, ...number[]];
  const taps = kernel.reduce((a, b) => a * b, 1);
  const channels = down.values.length / inner;
  const out = new Float32Array(rank * channels * taps);
  for (let r = 0; r < rank; r++) {
    for (let c = 0; c < channels; c++) {
      for (let tap = 0; tap < taps; tap++) {
        let sum = 0;
        for (let m = 0; m < inner; m++) {
          sum += mid.values[(r * inner + m) * taps + tap]! * down.values[m * channels + c]!;
        }
        out[(r * channels + c) * taps + tap] = sum;
      }
    }
  }
  return out;
}

/** `[a, b]` → `[b, a]`. */
export function transposed(values: Float32Array, a: number, b: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) out[j * a + i] = values[i * b + j]!;
  return out;
}

/**
 * Adds rows of `scale · up · down` to the rows of a weight.
 *
 * @param out - `[rowCount, K]`.
 */
export function addProduct(
  { rank, up, down }: LowRank,
  out: Float32Array,
  firstRow: number,
  rowCount: number,
  scale: number,
): void {
  const k = down.length / rank;
  // Sums in f64: with four ranks a pass, a few roundings to f32 a row are left.
  const sums = new Float64Array(k);
  for (let row = 0; row < rowCount; row++) {
    const factors = up.subarray((firstRow + row) * rank, (firstRow + row + 1) * rank);
    sums.fill(0);
    let r = 0;
    for (; r + 4 <= rank; r += 4) {
      const [a, b, c, d] = [factors[r]!, factors[r + 1]!, factors[r + 2]!, factors[r + 3]!];
      let at = r * k;
      for (let i = 0; i < k; i++, at++) {
        sums[i]! += a * down[at]! + b * down[at + k]! + c * down[at + 2 * k]! + d * down[at + 3 * k]!;
      }
    }
    for (; r < rank; r++) {
      const a = factors[r]!;
      for (let i = 0; i < k; i++) sums[i]! += a * down[r * k + i]!;
    }
    const base = row * k;
    for (let i = 0; i < k; i++) out[base + i]! += scale * sums[i]!;
  }
}

/** The elementwise product of two low-rank changes (LoHa), again as one: of the ranks' product. */
export function hadamard(a: LowRank, b: LowRank): LowRank {
  const rank = a.rank * b.rank;
  const [rows, k] = [a.up.length / a.rank, a.down.length / a.rank];
  const up = new Float32Array(rows * rank);
  const down = new Float32Array(rank * k);
  for (let s = 0; s < a.rank; s++) {
    for (let t = 0; t < b.rank; t++) {
      const r = s * b.rank + t;
      for (let n = 0; n < rows; n++) up[n * rank + r] = a.up[n * a.rank + s]! * b.up[n * b.rank + t]!;
      for (let i = 0; i < k; i++) down[r * k + i] = a.down[s * k + i]! * b.down[t * k + i]!;
    }
  }
  return { rank, up, down };
}

/** Every element of a low-rank product, `[N, K]`. */
export function dense(product: LowRank): Float32Array {
  const rows = product.up.length / product.rank;
  const out = new Float32Array(rows * (product.down.length / product.rank));
  addProduct(product, out, 0, rows, 1);
  return out;
}
