import { bytes, float, join, message, varint } from './protobuf.js';

/** Element types of onnx.proto's `TensorProto.DataType`. */
export const onnxType = { f32: 1, int64: 7, f16: 10 } as const;
export type OnnxType = keyof typeof onnxType;

/** An attribute of a node: whole numbers as a list or one, or `{ float }`, or a string. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number } | string;

/**
 * An ONNX model put together node by node and written as onnx.proto lays it down (field numbers from
 * github.com/onnx/onnx/blob/main/onnx/onnx.proto). So the peer gets exactly the weights and shapes that ours gets, and
 * measuring needs no Python.
 */
export class OnnxGraph {
  private readonly nodes: Uint8Array[] = [];
  private readonly initializers = new Map<string, Uint8Array>();
  private readonly inputs = new Map<string, Uint8Array>();
  private nextName = 0;

  constructor(readonly dtype: 'f32' | 'f16') {}

  /** A tensor given at each run. Asking twice gives the same one. */
  input(name: string, shape: readonly number[]): string {
    if (!this.inputs.has(name)) this.inputs.set(name, valueInfo(11, name, this.dtype, shape));
    return name;
  }

  /** A constant. Asking twice for a name gives the same one. */
  constant(name: string, type: OnnxType, shape: readonly number[], values: () => ArrayBufferView): string {
    if (!this.initializers.has(name)) {
      const view = values();
      const raw = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      const dims = shape.map((size) => varint(1, size));
      this.initializers.set(name, message(5, [...dims, varint(2, onnxType[type]), bytes(8, name), bytes(9, raw)]));
    }
    return name;
  }

  /** A shape or list of axes as a constant. */
  integers(values: readonly number[]): string {
    const name = `int64_${values.join('_').replaceAll('-', 'm')}`;
    return this.constant(name, 'int64', [values.length], () => BigInt64Array.from(values, BigInt));
  }

  /** Adds a node and returns the names of its outputs. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    options: { readonly domain?: string; readonly outputs?: number } = {},
  ): string[] {
    const outputs = Array.from({ length: options.outputs ?? 1 }, () => `t${this.nextName++}`);
    this.nodes.push(
      message(1, [
        ...inputs.map((name) => bytes(1, name)),
        ...outputs.map((name) => bytes(2, name)),
        bytes(3, `${op}_${this.nodes.length}`),
        bytes(4, op),
        ...Object.entries(attributes).map(([name, value]) => message(5, attribute(name, value))),
        ...(options.domain ? [bytes(7, options.domain)] : []),
      ]),
    );
    return outputs;
  }

  /** Adds a node with one output. */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain?: string,
  ): string {
    return this.node(op, inputs, attributes, { domain })[0]!;
  }

  /** The model, with one output. */
  toBytes(output: string): Uint8Array {
    const graph = [
      ...this.nodes,
      bytes(2, 'bench'),
      ...this.initializers.values(),
      ...this.inputs.values(),
      valueInfo(12, output, this.dtype),
    ];
    return join([
      varint(1, 8), // IR version 8, of ONNX 1.13
      message(8, [bytes(1, ''), varint(2, 17)]),
      message(8, [bytes(1, 'com.microsoft'), varint(2, 1)]),
      message(7, graph),
    ]);
  }
}

function attribute(name: string, value: OnnxAttribute): Uint8Array[] {
  const named = bytes(1, name);
  if (typeof value === 'number') return [named, varint(3, value), varint(20, 2)];
  if (typeof value === 'string') return [named, bytes(4, value), varint(20, 3)];
  if ('float' in value) return [named, float(2, value.float), varint(20, 1)];
  return [named, ...value.map((one) => varint(8, one)), varint(20, 7)];
}

function valueInfo(field: number, name: string, type: OnnxType, shape?: readonly number[]): Uint8Array {
  const sizes = shape
    ? [
        message(
          2,
          shape.map((size) => message(1, [varint(1, size)])),
        ),
      ]
    : [];
  return message(field, [bytes(1, name), message(2, [message(1, [varint(1, onnxType[type]), ...sizes])])]);
}
