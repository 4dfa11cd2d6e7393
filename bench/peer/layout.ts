/** `[rows, columns]` → `[columns, rows]`. */
export function transposed(
  values: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!;
  return out;
}

/** A picture's shape as ONNX has it, channels first: `[b, h, w, c]` → `[b, c, h, w]`. Other ranks stay as they are. */
export function peerShape(shape: readonly number[]): readonly number[] {
  const [b, h, w, c] = shape;
  return shape.length === 4 ? [b!, c!, h!, w!] : shape;
}

/** Values in the order of {@link peerShape}. */
export function toPeer(values: Float32Array<ArrayBuffer>, shape: readonly number[]): Float32Array<ArrayBuffer> {
  return shape.length === 4 ? eachImage(values, shape[0]!, shape[1]! * shape[2]!, shape[3]!) : values;
}

/** Values in channels-last order again. */
export function fromPeer(values: Float32Array<ArrayBuffer>, shape: readonly number[]): Float32Array<ArrayBuffer> {
  return shape.length === 4 ? eachImage(values, shape[0]!, shape[3]!, shape[1]! * shape[2]!) : values;
}

function eachImage(
  values: Float32Array<ArrayBuffer>,
  images: number,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  const size = rows * columns;
  for (let i = 0; i < images; i++) {
    out.set(transposed(values.subarray(i * size, (i + 1) * size), rows, columns), i * size);
  }
  return out;
}
