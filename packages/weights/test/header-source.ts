import { encodeSafetensors, type SafetensorsDtype } from '../src/index.js';
import { createSource, type ModelSource } from '../src/source.js';

/** A tensor as far as a header tells. */
export interface HeaderTensor {
  readonly shape: readonly number[];
  readonly dtype?: SafetensorsDtype;
}

/**
 * A source of one safetensors file of any size, of which only the header exists: all weights are zero, or of one value in
 * the tensors where that matters.
 */
export async function headerSource(
  path: string,
  tensors: Readonly<Record<string, HeaderTensor>>,
  {
    metadata,
    floats = {},
  }: {
    readonly metadata?: Readonly<Record<string, string>>;
    /** Values of F32 tensors, by name. */
    readonly floats?: Readonly<Record<string, Float32Array>>;
  } = {},
): Promise<ModelSource> {
  const written = Object.entries(tensors).map(([name, { shape, dtype = 'F16' }]) => ({
    name,
    shape,
    dtype,
    data: () => [],
  }));
  // The first piece is the header; the zeros behind it are never made.
  const { value: header } = await encodeSafetensors(written, { metadata }).next();
  if (!header) throw new Error('no header');
  const layout = JSON.parse(new TextDecoder().decode(header.subarray(8))) as Record<
    string,
    { data_offsets?: [number, number] }
  >;
  const size =
    Math.max(0, ...Object.values(layout).map(({ data_offsets: offsets }) => offsets?.[1] ?? 0)) + header.length;
  const filled = Object.entries(floats).map(([name, values]) => ({
    begin: header.length + layout[name]!.data_offsets![0],
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  }));
  return createSource({
    describe: () => 'headers alone',
    size: (asked) => Promise.resolve(asked === path ? size : undefined),
    readInto(_, start, target) {
      target.fill(0);
      for (const { begin, bytes } of [{ begin: 0, bytes: header }, ...filled]) {
        const from = Math.max(start, begin);
        const to = Math.min(start + target.length, begin + bytes.length);
        if (from < to) target.set(bytes.subarray(from - begin, to - begin), from - start);
      }
      return Promise.resolve(target.length);
    },
  });
}
