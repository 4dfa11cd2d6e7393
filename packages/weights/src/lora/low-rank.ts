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

/** Columns that are summed at once, over two rows: as many sums as stay in registers. */
const panel = 4;

/**
 * Adds rows of `scale · up · down` to the rows of a weight. Sums are in f64 and rounded once.
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
  const factors = Float64Array.from(up.subarray(firstRow * rank, (firstRow + rowCount) * rank), (each) => scale * each);
  const columns = new Float32Array(rank * panel);
  for (let first = 0; first < k; first += panel) {
    const width = Math.min(panel, k - first);
    // One panel of `down`, its columns side by side: what the sums read lies together, and zeros fill the last.
    columns.fill(0);
    for (let r = 0; r < rank; r++) {
      for (let c = 0; c < width; c++) columns[r * panel + c] = down[r * k + first + c]!;
    }
    let row = 0;
    if (width === panel) for (; row + 2 <= rowCount; row += 2) addPair(factors, columns, out, row, rank, k, first);
    for (; row < rowCount; row++) {
      for (let c = 0; c < width; c++) {
        let sum = 0;
        for (let r = 0; r < rank; r++) sum += factors[row * rank + r]! * columns[r * panel + c]!;
        out[row * k + first + c]! += sum;
      }
    }
  }
}

/** Two rows of a whole panel: each number of a factor is read once for several products, which doubles the speed. No arrays in it, which cost more than the sums. */
function addPair(
  factors: Float64Array,
  columns: Float32Array,
  out: Float32Array,
  row: number,
  rank: number,
  k: number,
  first: number,
): void {
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  let p = row * rank;
  let q = p + rank;
  for (let at = 0; at < columns.length; at += panel, p++, q++) {
    const a = factors[p]!;
    const b = factors[q]!;
    const d0 = columns[at]!;
    const d1 = columns[at + 1]!;
    const d2 = columns[at + 2]!;
    const d3 = columns[at + 3]!;
    a0 += a * d0;
    a1 += a * d1;
    a2 += a * d2;
    a3 += a * d3;
    b0 += b * d0;
    b1 += b * d1;
    b2 += b * d2;
    b3 += b * d3;
  }
  const x = row * k + first;
  const y = x + k;
  out[x]! += a0;
  out[x + 1]! += a1;
  out[x + 2]! += a2;
  out[x + 3]! += a3;
  out[y]! += b0;
  out[y + 1]! += b1;
  out[y + 2]! += b2;
  out[y + 3]! += b3;
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
