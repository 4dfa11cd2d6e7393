/**
 * The few numpy functions that decide timesteps, in numpy's own order of operations: a timestep is a rounded
 * double, so a formula equal on paper but different in its last bit can come out one whole step away.
 */

/** `np.round`: to the nearest whole number, halves to the even one. */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `np.linspace(start, stop, count)`, both ends included. */
export function linspace(start: number, stop: number, count: number): Float64Array {
  const values = new Float64Array(count);
  if (count === 1) {
    values[0] = start;
    return values;
  }
  const step = (stop - start) / (count - 1);
  for (let i = 0; i < count; i++) values[i] = i * step + start;
  values[count - 1] = stop;
  return values;
}

/** `np.arange(start, stop, step)`. numpy fills with `start + i·delta`, delta being the difference of its first two. */
export function arange(start: number, stop: number, step: number): Float64Array {
  const count = Math.max(0, Math.ceil((stop - start) / step));
  const delta = start + step - start;
  return Float64Array.from({ length: count }, (_, i) => start + i * delta);
}

/** `np.interp(x, [0, 1, 2, …], table)`: linear between entries, held at both ends. */
export function interpolateTable(x: number, table: ArrayLike<number>): number {
  const last = table.length - 1;
  if (x <= 0) return table[0]!;
  if (x >= last) return table[last]!;
  const low = Math.floor(x);
  return (table[low + 1]! - table[low]!) * (x - low) + table[low]!;
}

/** `torch.linspace` in float32: counted from the nearer end, with a fused multiply-add (exact in float64, once rounded). */
export function torchLinspace(start: number, end: number, count: number): Float32Array {
  const first = Math.fround(start);
  const last = Math.fround(end);
  if (count === 1) return Float32Array.of(first);
  const step = Math.fround(Math.fround(last - first) / (count - 1));
  const half = Math.floor(count / 2);
  return Float32Array.from({ length: count }, (_, i) => (i < half ? first + step * i : last - step * (count - 1 - i)));
}
