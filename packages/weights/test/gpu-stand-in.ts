import { Graph, type PackedPiece, type Weight, type WeightLayout, type WeightStorage } from '@pleinair/tensor';

/** Weights as a model records them. */
export function weightsOf(
  wanted: readonly (readonly [name: string, shape: readonly number[], layout: WeightLayout, storage?: WeightStorage])[],
): readonly Weight[] {
  const graph = new Graph('test', { dtype: 'f16' });
  for (const [name, shape, layout, storage] of wanted) graph.weight(name, shape, layout, storage);
  return graph.weights;
}

/** Collects uploads as a GPU would hold them, refusing what a GPU would refuse. */
export class CollectedWeights {
  readonly buffers = new Map<Weight, Uint16Array | Float32Array>();
  private readonly written = new Map<Weight, Uint8Array>();

  readonly upload = (weight: Weight, piece: PackedPiece): void => {
    const elements = weight.layout.elements(weight.source.shape);
    const Type = weight.storage === 'f16' ? Uint16Array : Float32Array;
    if (!(piece.values instanceof Type)) throw new Error(`${weight.source.name}: values not in ${weight.storage}`);
    if (piece.elementOffset % 4 || piece.values.length % 4) throw new Error(`${weight.source.name}: not by fours`);
    if (piece.elementOffset + piece.values.length > elements) throw new Error(`${weight.source.name}: beyond its end`);
    const buffer = this.buffers.get(weight) ?? new Type(elements).fill(0x7777);
    const written = this.written.get(weight) ?? new Uint8Array(elements);
    buffer.set(piece.values, piece.elementOffset);
    for (let i = 0; i < piece.values.length; i++) {
      const at = piece.elementOffset + i;
      if (written[at]) throw new Error(`${weight.source.name}: element written twice`);
      written[at] = 1;
    }
    this.buffers.set(weight, buffer);
    this.written.set(weight, written);
  };

  /** True when every element of every weight was written. */
  complete(weights: readonly Weight[]): boolean {
    return weights.every((weight) => {
      const written = this.written.get(weight);
      return weight.byteLength === 0 || (written !== undefined && written.every((times) => times === 1));
    });
  }
}

/** A layout for tests which turns rows into columns: each band scatters into as many pieces as there are columns. */
export function columns(bandRows: number): WeightLayout {
  const sizes = (shape: readonly number[]) => {
    const rows = shape[0] ?? 1;
    return { stride: Math.ceil(rows / bandRows) * bandRows, width: shape.slice(1).reduce((a, b) => a * b, 1) };
  };
  return {
    key: `columns/${bandRows}`,
    bandRows,
    elements(shape) {
      const { stride, width } = sizes(shape);
      return stride * width;
    },
    pack(rows, firstRow, rowCount, shape) {
      if (firstRow % bandRows !== 0) throw new Error(`band at row ${firstRow}`);
      const { stride, width } = sizes(shape);
      const length = Math.ceil(rowCount / bandRows) * bandRows;
      return Array.from({ length: width }, (_, c) => {
        const values = rows instanceof Uint16Array ? new Uint16Array(length) : new Float32Array(length);
        for (let r = 0; r < rowCount; r++) values[r] = rows[r * width + c]!;
        return { elementOffset: c * stride + firstRow, values };
      });
    },
  };
}
