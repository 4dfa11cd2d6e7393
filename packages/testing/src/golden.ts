import { readFile } from 'node:fs/promises';
import { fromHalfArray } from '@pleinair/tensor';

/** One recorded tensor. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  /** Floats as f32 whatever the file stores; integers as they are. */
  readonly data: Float32Array | Int32Array | Uint32Array | BigInt64Array | Uint8Array;
}

/** A recorded set of tensors with the file's metadata. */
export interface Golden {
  readonly metadata: Readonly<Record<string, string>>;
  /** @throws Where there is no tensor of that name, with the names there are. */
  tensor(name: string): GoldenTensor;
  /** Like `tensor`, for those that are floats. */
  floats(name: string): Float32Array;
  readonly names: readonly string[];
}

/**
 * Reads a small safetensors file written by `tools/reference/`.
 *
 * @param path - A path, or a URL made with `new URL('…', import.meta.url)`.
 */
export async function readGolden(path: string | URL): Promise<Golden> {
  const file = await readFile(path);
  const bytes = new Uint8Array(file).buffer;
  const headerBytes = Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, headerBytes))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const { __metadata__: metadata, ...entries } = header;
  const tensor = (name: string): GoldenTensor => {
    const entry = entries[name];
    if (!entry) throw new Error(`${String(path)}: no tensor "${name}"; it has ${Object.keys(entries).join(', ')}.`);
    const [start, end] = entry.data_offsets;
    return {
      shape: entry.shape,
      data: decode(entry.dtype, bytes.slice(8 + headerBytes + start, 8 + headerBytes + end)),
    };
  };
  return {
    metadata: (metadata ?? {}) as unknown as Record<string, string>,
    names: Object.keys(entries),
    tensor,
    floats(name) {
      const { data } = tensor(name);
      if (!(data instanceof Float32Array)) throw new Error(`${String(path)}: "${name}" does not hold floats.`);
      return data;
    },
  };
}

function decode(dtype: string, bytes: ArrayBuffer): GoldenTensor['data'] {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes);
    case 'F64':
      return Float32Array.from(new Float64Array(bytes));
    case 'F16':
      return fromHalfArray(new Uint16Array(bytes));
    case 'I32':
      return new Int32Array(bytes);
    case 'U32':
      return new Uint32Array(bytes);
    case 'I64':
      return new BigInt64Array(bytes);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(bytes);
    default:
      throw new Error(`readGolden: expected a dtype goldens use, got ${dtype}.`);
  }
}
