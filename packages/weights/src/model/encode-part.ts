import { throwIfCancelled } from '@pleinair/tensor';
import type { Component, ComponentEntry } from '../component.js';
import { Converter } from '../convert.js';
import { encodeSafetensors, type TensorToWrite } from '../encode.js';
import { WeightError } from '../errors.js';
import { palettizedEntries } from '../palettized/entries.js';
import { byteLengthOf, isFloatDtype, type FloatDtype } from '../safetensors-dtype.js';

/** A file of a model to be written. */
export interface FileToWrite {
  /** Relative to the model. */
  readonly path: string;
  /** About how many bytes will be written. */
  readonly bytes: number;
  /** Bytes that are read for it. */
  readonly readBytes: number;
  /** Its bytes, made as they are asked for; `onRead` is told of each piece read. */
  chunks(onRead: (bytes: number) => void, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** How a part is written. */
export interface PartFormat {
  /** Type that floats are stored in; by default as they are. */
  readonly dtype?: FloatDtype;
  /** A part of more bytes is written in several files, none of which has more, and an index. @defaultValue 10e9 */
  readonly maxShardBytes?: number;
}

/** As diffusers does. */
const usualShardBytes = 10e9;

const pieceBytes = 4 * 1024 * 1024;

/** What the weights of a part are called in diffusers layout, without ending: transformers and diffusers differ. */
export function weightsBaseName(folder: string): string {
  return /^(text_encoder|image_encoder|safety_checker)/.test(folder) ? 'model' : 'diffusion_pytorch_model';
}

/** The files of a part's weights in diffusers layout: one, or shards and their index. */
export function partFiles(folder: string, component: Component, format: PartFormat = {}): FileToWrite[] {
  const { maxShardBytes = usualShardBytes } = format;
  // Palettes are of half floats and indices of bytes: neither is a weight to be stored in another type.
  const packed = new Set(
    [...palettizedEntries(component).values()].flatMap(({ indices, palette }) => [indices.name, palette.name]),
  );
  const dtypeOf = ({ name, dtype }: ComponentEntry): ComponentEntry['dtype'] =>
    format.dtype && isFloatDtype(dtype) && !packed.has(name) ? format.dtype : dtype;
  const bytesOf = (entry: ComponentEntry): number => byteLengthOf(dtypeOf(entry), entry.shape);
  const shards = shardsOf([...component.entries.values()], bytesOf, maxShardBytes);
  const base = folder ? `${folder}/${weightsBaseName(folder)}` : weightsBaseName(folder);
  const name = (index: number): string =>
    shards.length === 1 ? `${base}.safetensors` : `${base}-${five(index + 1)}-of-${five(shards.length)}.safetensors`;
  const metadata = component.files[0]?.metadata;
  const files = shards.map((entries, index): FileToWrite => {
    return {
      path: name(index),
      bytes: entries.reduce((sum, entry) => sum + bytesOf(entry), 0) + 100 * entries.length,
      readBytes: entries.reduce((sum, { begin, end }) => sum + end - begin, 0),
      chunks: (onRead, signal) =>
        encodeSafetensors(
          entries.map((entry) => converted(entry, dtypeOf(entry), onRead, signal)),
          { metadata },
        ),
    };
  });
  if (shards.length === 1) return files;
  const map = shards.flatMap((entries, index) => entries.map((entry) => [entry.name, name(index).split('/').at(-1)]));
  const total = [...component.entries.values()].reduce((sum, entry) => sum + bytesOf(entry), 0);
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(map) as object };
  return [...files, textFile(`${base}.safetensors.index.json`, `${JSON.stringify(index, undefined, 2)}\n`)];
}

/** A small file. */
export function textFile(path: string, text: string | Uint8Array): FileToWrite {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return {
    path,
    bytes: bytes.length,
    readBytes: bytes.length,
    // oxlint-disable-next-line typescript/require-await -- a generator, as larger files need one
    async *chunks(onRead) {
      yield bytes;
      onRead(bytes.length);
    },
  };
}

function shardsOf(
  entries: readonly ComponentEntry[],
  bytesOf: (entry: ComponentEntry) => number,
  most: number,
): readonly (readonly ComponentEntry[])[] {
  const shards: ComponentEntry[][] = [[]];
  let room = most;
  for (const entry of entries) {
    const bytes = bytesOf(entry);
    if (bytes > room && shards.at(-1)!.length > 0) {
      shards.push([]);
      room = most;
    }
    shards.at(-1)!.push(entry);
    room -= bytes;
  }
  return shards;
}

function five(number: number): string {
  return String(number).padStart(5, '0');
}

function converted(
  entry: ComponentEntry,
  dtype: ComponentEntry['dtype'],
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): TensorToWrite {
  return { name: entry.name, shape: entry.shape, dtype, data: () => pieces(entry, dtype, onRead, signal) };
}

async function* pieces(
  { name, file, begin, end, dtype: from }: ComponentEntry,
  to: ComponentEntry['dtype'],
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<ArrayBufferView> {
  const converter = new Converter();
  for (let at = begin; at < end; at += pieceBytes) {
    throwIfCancelled(signal, name);
    const bytes = await file.source.readRange(file.path, at, Math.min(at + pieceBytes, end), { signal });
    if (from === to || !isFloatDtype(from)) yield bytes;
    else if (to === 'BF16') yield toBfloats(converter.toFloats(bytes, from));
    else {
      const { values, bad } = converter.convert(bytes, from, to === 'F32' ? 'f32' : 'f16');
      if (bad !== undefined) throw outOfRange(name, converter.toFloats(bytes, from)[bad]!);
      yield values;
    }
    onRead(bytes.length);
  }
}

/** To the nearest, ties to even; what is not a number stays so. */
function toBfloats(floats: Float32Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  return Uint16Array.from(bits, (value) => {
    if ((value & 0x7fffffff) > 0x7f800000) return (value >>> 16) | 0x40;
    return (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  });
}

function outOfRange(name: string, value: number): WeightError {
  return new WeightError(
    'weights/out-of-range',
    `${name}: expected values within ±65504 to store it in fp16, got ${value}. Store the model in bf16 or f32.`,
  );
}
