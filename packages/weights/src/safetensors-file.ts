import { parseSafetensorsMetadata, SafetensorParseError } from '@huggingface/hub';
import { isPleinairError } from '@pleinair/tensor';
import { foreignFormat } from './checkpoint/foreign.js';
import { reasonOf, WeightError } from './errors.js';
import { byteLengthOf, isSafetensorsDtype, safetensorsDtypes, type SafetensorsDtype } from './safetensors-dtype.js';
import type { ModelSource, ReadOptions } from './source.js';

/** A tensor of a safetensors file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Offset of its first byte from the start of the file. */
  readonly begin: number;
  /** Offset just after its last byte, from the start of the file. */
  readonly end: number;
}

/** A safetensors file whose header was read and checked; no tensor was. */
export interface SafetensorsFile {
  readonly source: ModelSource;
  readonly path: string;
  /** By name, in the order of their bytes. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What `@huggingface/hub` accepts; SDXL's UNet needs 0.2 MB. */
const maxHeaderBytes = 25_000_000;

/**
 * Reads and checks the header of a safetensors file: its length, dtypes and shapes, that each tensor's bytes are
 * shape × dtype, that tensors neither overlap nor leave bytes unclaimed (the reference reader's rules), and that the file
 * is as long as it says.
 *
 * @param path - Relative to the source, e.g. `unet/diffusion_pytorch_model.fp16.safetensors`.
 * @throws `MissingPartError`, or `WeightError` with a code of its table. Format:
 * https://huggingface.co/docs/safetensors/index#format
 */
export async function openSafetensors(
  source: ModelSource,
  path: string,
  options: ReadOptions = {},
): Promise<SafetensorsFile> {
  const fail = (code: string, expected: string, got: string, cure = 'Download the file again.', cause?: unknown) =>
    new WeightError(`weights/${code}`, `${path}: expected ${expected}, got ${got}. ${cure}`, { cause });

  const fileBytes = await source.size(path, options);
  if (fileBytes < 8) throw fail('truncated', 'a safetensors file of at least 8 bytes', `${fileBytes} bytes`);
  const prefix = await source.readRange(path, 0, 8, options);
  const headerBytes = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (headerBytes > BigInt(maxHeaderBytes)) {
    const foreign = foreignFormat(await source.readRange(path, 0, Math.min(512, fileBytes), options));
    if (foreign) throw fail(foreign.code, 'a safetensors file', foreign.what, foreign.cure);
    throw fail(
      'header-too-large',
      `a safetensors header of at most ${maxHeaderBytes} bytes`,
      `a length of ${headerBytes}`,
      'Check that this is a safetensors file, and download it again.',
    );
  }
  const dataStart = 8 + Number(headerBytes);
  if (dataStart > fileBytes) {
    throw fail('truncated', `a header of ${headerBytes} bytes`, `a file of ${fileBytes} bytes`);
  }

  const parsed = await parseHeader(source, path, prefix, dataStart, options).catch((error: unknown) => {
    if (isPleinairError(error)) throw error;
    const got =
      error instanceof SafetensorParseError
        ? error.message.replace(/^Failed to parse file \S+: /, '')
        : reasonOf(error);
    throw fail('invalid-header', 'a safetensors header', got.replace(/\.$/, ''), undefined, error);
  });

  const entries: SafetensorsEntry[] = [];
  for (const [name, info] of Object.entries(parsed.tensors)) {
    const dtype: string = info.dtype;
    if (!isSafetensorsDtype(dtype)) {
      throw fail(
        'unknown-dtype',
        `${name} in one of ${safetensorsDtypes.join(', ')}`,
        JSON.stringify(dtype),
        'Save the model again with a current safetensors.',
      );
    }
    const [first, last] = info.data_offsets;
    const bytes = byteLengthOf(dtype, info.shape);
    if (!Number.isSafeInteger(bytes) || bytes !== last - first) {
      throw fail(
        'size-mismatch',
        `${name} ${dtype} [${info.shape.join(', ')}] in ${bytes} bytes`,
        `${last - first} bytes (${first} to ${last})`,
      );
    }
    entries.push({ name, dtype, shape: info.shape, begin: dataStart + first, end: dataStart + last });
  }

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = dataStart;
  let before = 'the header';
  for (const entry of entries) {
    if (entry.begin !== end) {
      throw fail(
        entry.begin < end ? 'overlap' : 'gap',
        `${entry.name} to start at byte ${end}, where ${before} ends`,
        `byte ${entry.begin}`,
      );
    }
    end = entry.end;
    before = entry.name;
  }
  if (end > fileBytes) throw fail('truncated', `${end} bytes as its header says`, `${fileBytes}`);
  if (end < fileBytes) throw fail('gap', `${end} bytes as its header says`, `${fileBytes}`);
  return { source, path, entries: new Map(entries.map((entry) => [entry.name, entry])), metadata: parsed.metadata };
}

interface ParsedHeader {
  readonly tensors: Readonly<Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The header through `@huggingface/hub`, which reads from the Hub: a `fetch` of ours answers its ranges from the source. */
async function parseHeader(
  source: ModelSource,
  path: string,
  prefix: Uint8Array<ArrayBuffer>,
  dataStart: number,
  options: ReadOptions,
): Promise<ParsedHeader> {
  // The parser compares offsets (which count from the header's end) with the size of the file, under one error for
  // everything. So it is told a size without end, and the bounds are checked above, exactly and by kind.
  const size = Number.MAX_SAFE_INTEGER;
  const answer: typeof fetch = async (_input, init) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('Range') ?? '') ?? [];
    const [first, last] = [Number(from), Math.min(Number(to), dataStart - 1)];
    const body = last < 8 ? prefix.subarray(first, last + 1) : await source.readRange(path, first, last + 1, options);
    const headers = { 'Content-Range': `bytes ${first}-${last}/${size}`, ETag: '"local"' };
    return new Response(body, { status: 206, headers });
  };
  const result = await parseSafetensorsMetadata({
    repo: 'local/model',
    path: 'model.safetensors',
    hubUrl: 'http://localhost',
    fetch: answer,
  });
  if (result.sharded || typeof result.header !== 'object' || result.header === null || Array.isArray(result.header)) {
    throw new SafetensorParseError('it is not a JSON object');
  }
  const { __metadata__: metadata = {}, ...tensors } = result.header;
  if (typeof metadata !== 'object' || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new SafetensorParseError('its __metadata__ holds more than texts');
  }
  return { tensors, metadata };
}
