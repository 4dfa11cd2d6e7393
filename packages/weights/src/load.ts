import {
  indexPiece,
  palettePiece,
  storageName,
  throwIfCancelled,
  type PackedPiece,
  type Weight,
} from '@pleinair/tensor';
import type { Component } from './component.js';
import { Converter } from './convert.js';
import { WeightError } from './errors.js';
import { checkIndices, palettizedEntries, wholePalettes, type PalettizedEntry } from './palettized/entries.js';
import type { AddRows, WeightMerge } from './lora/merge.js';
import { planReads, maxBandBytes, type Band, type Read, type WantedTensor } from './read-plan.js';
import { isFloatDtype } from './safetensors-dtype.js';

/** How far a load is, in bytes of the files that are wanted. */
export interface LoadProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** Options of {@link loadWeights}. */
export interface LoadOptions {
  /**
   * Takes a piece of a weight: `piece.values` go to the weight's buffer from element `piece.elementOffset` on. They are
   * valid until it returns, or until its promise resolves; nothing more is uploaded until then.
   */
  upload(weight: Weight, piece: PackedPiece): void | Promise<void>;
  /** Called after each read has been uploaded. */
  onProgress?(progress: LoadProgress): void;
  /** Stops the load with a `CancelledError`. Weights uploaded so far are incomplete: dispose of them. */
  readonly signal?: AbortSignal;
  /** Bytes of a read. Default 4 MiB; at most 16 MiB. */
  readonly bandBytes?: number;
  /** Reads in flight while another is uploaded. Default 2. */
  readonly readAhead?: number;
  /** Checkpoint tensors that need no weight. Default: `position_ids`, which older CLIP checkpoints carry. */
  readonly ignore?: readonly RegExp[];
  /** What is added to tensors as they come: in f32, rounded to the storage type once. Palettized ones take nothing. */
  readonly merge?: WeightMerge;
}

/** What {@link loadWeights} did. */
export interface LoadReport {
  /** Bytes of the files that were wanted and read. */
  readonly loadedBytes: number;
  /** Names in the checkpoint that no weight is made of, the ignored ones left out. */
  readonly leftover: readonly string[];
}

const ignoredByDefault = [/(^|\.)position_ids$/];
const defaultBandBytes = 4 * 1024 * 1024;

/**
 * Streams a component's tensors into weights: reads a few megabytes at a time in file order, converts F32, F16 or BF16 to
 * each weight's storage type, lays them out and hands them to `upload`, while the next reads are under way. Host memory
 * is a few reads whatever the size of the model or of its tensors.
 *
 * All names, shapes and dtypes are checked before the first byte is read.
 *
 * @throws `WeightError` `weights/missing-tensor`, `weights/shape-mismatch`, `weights/unsupported-dtype`,
 * `weights/palettized`, `weights/out-of-range` or what reading throws; `CancelledError`.
 */
export async function loadWeights(
  weights: readonly Weight[],
  component: Component,
  options: LoadOptions,
): Promise<LoadReport> {
  const bandBytes = Math.min(Math.max(options.bandBytes ?? defaultBandBytes, 16), maxBandBytes);
  const readAhead = Math.max(1, Math.floor(options.readAhead ?? 2));
  throwIfCancelled(options.signal, `loading ${component.name}`);
  const wanted = matchWeights(weights, component);
  const reads = planReads(wanted, bandBytes);
  const totalBytes = wanted.reduce((sum, { entry }) => sum + entry.end - entry.begin, 0);
  const converter = new Converter();
  const merging = new Merging(options);
  let loadedBytes = 0;

  // A failure or a cancel here must stop the reads under way too, and wait for them: nothing runs on after a throw.
  const stop = new AbortController();
  const forward = () => stop.abort();
  options.signal?.addEventListener('abort', forward, { once: true });
  const inFlight: Promise<Uint8Array<ArrayBuffer>>[] = [];
  const free: Uint8Array<ArrayBuffer>[] = [];
  const largest = reads.reduce((max, read) => Math.max(max, read.end - read.begin), 0);
  let next = 0;
  const startReads = () => {
    while (next < reads.length && inFlight.length < readAhead) {
      const read = reads[next++]!;
      const into = free.pop() ?? new Uint8Array(largest);
      const bytes = read.file.source.readRange(read.file.path, read.begin, read.end, { signal: stop.signal, into });
      void bytes.catch(() => undefined); // looked at in turn; until then not "unhandled"
      inFlight.push(bytes);
    }
  };
  try {
    startReads();
    for (const read of reads) {
      const bytes = await inFlight.shift()!;
      startReads();
      loadedBytes += await uploadRead(read, bytes, converter, merging, options, component);
      free.push(new Uint8Array(bytes.buffer));
      options.onProgress?.({ loadedBytes, totalBytes });
      throwIfCancelled(options.signal, `loading ${component.name}`);
    }
    if (reads.length === 0) options.onProgress?.({ loadedBytes, totalBytes });
  } finally {
    options.signal?.removeEventListener('abort', forward);
    stop.abort();
    await Promise.allSettled(inFlight);
  }
  return { loadedBytes, leftover: leftoverOf(component, wanted, options.ignore ?? ignoredByDefault) };
}

/** Uploads every band of a read. Returns the bytes wanted in it. */
async function uploadRead(
  read: Read,
  bytes: Uint8Array<ArrayBuffer>,
  converter: Converter,
  merging: Merging,
  options: LoadOptions,
  component: Component,
): Promise<number> {
  let wantedBytes = 0;
  for (const band of read.bands) {
    throwIfCancelled(options.signal, `loading ${component.name}`);
    const raw = bytes.subarray(band.begin - read.begin, band.end - read.begin);
    if (band.palettized) {
      const pieces = palettizedPieces(band, band.palettized, raw);
      for (const [weight, piece] of pieces) await options.upload(weight, piece);
      wantedBytes += raw.length;
      continue;
    }
    const { entry, firstRow, rowCount } = band;
    if (!isFloatDtype(entry.dtype)) throw unsupported(entry.name, entry.dtype);
    const merged = await merging.merged(band, raw, converter);
    for (const storage of new Set(band.weights.map((weight) => weight.storage))) {
      const { values, bad } = merged
        ? converter.convert(merged, 'F32', storage)
        : converter.convert(raw, entry.dtype, storage);
      if (bad !== undefined) throw merged ? outOfRange(band, merged, bad, 'F32') : outOfRange(band, raw, bad);
      for (const weight of band.weights) {
        if (weight.storage !== storage) continue;
        for (const piece of weight.layout.pack(values, firstRow, rowCount, weight.source.shape)) {
          await options.upload(weight, piece);
        }
      }
    }
    wantedBytes += raw.length;
  }
  return wantedBytes;
}

/** Adds what is to be added to bands, the bands of a tensor coming one after another. */
class Merging {
  private open: { readonly tensor: string; readonly add: AddRows | undefined } | undefined;

  constructor(private readonly options: LoadOptions) {}

  /** A band's values with what is added to them, as the bytes of f32; undefined where they stay as they are. */
  async merged(
    { entry, firstRow, rowCount }: Band,
    raw: Uint8Array<ArrayBuffer>,
    converter: Converter,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { merge, signal } = this.options;
    if (!merge || !isFloatDtype(entry.dtype)) return undefined;
    if (this.open?.tensor !== entry.name) {
      this.open = { tensor: entry.name, add: await merge.open(entry.name, { signal }) };
    }
    const { add } = this.open;
    if (!add) return undefined;
    const rows = Float32Array.from(converter.toFloats(raw, entry.dtype));
    add(rows, firstRow, rowCount);
    return new Uint8Array(rows.buffer);
  }
}

/** Indices or palettes, as they lie in the file, for every weight made of them. */
function palettizedPieces(band: Band, of: PalettizedEntry, raw: Uint8Array): [Weight, PackedPiece][] {
  const { entry, weights, firstRow, rowCount } = band;
  if (entry === of.palette) {
    const palettes = wholePalettes(of, raw);
    return weights.map((weight) => [weight, palettePiece(weight, palettes)]);
  }
  checkIndices(of, raw, rowCount);
  return weights.map((weight) => [weight, indexPiece(weight, raw, firstRow, rowCount)]);
}

/** Pairs weights with checkpoint tensors, complaining about all that do not fit at once. */
function matchWeights(weights: readonly Weight[], component: Component): WantedTensor[] {
  const byName = new Map<string, Weight[]>();
  const palettizedNames = palettizedEntries(component);
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const weight of weights) {
    const { name, shape } = weight.source;
    const palettized = palettizedNames.get(name);
    checkStorage(weight, palettized);
    const entry = palettized ?? component.entries.get(name);
    if (!entry) missing.push(`${name} [${shape.join(', ')}]`);
    else if (entry.shape.join() !== shape.join()) {
      misshapen.push(`${name} [${shape.join(', ')}], got [${entry.shape.join(', ')}]`);
    } else if ('dtype' in entry && !isFloatDtype(entry.dtype)) throw unsupported(name, entry.dtype);
    const same = byName.get(name);
    if (same) same.push(weight);
    else byName.set(name, [weight]);
  }
  const where = `${component.name} (${component.files.map((file) => file.path).join(', ')} in ${component.source.describe()})`;
  if (missing.length > 0) {
    throw new WeightError(
      'weights/missing-tensor',
      `${where}: expected ${some(missing, ', ')}, got a checkpoint of ${component.entries.size} tensors without. ` +
        'Check that config.json and weights are of the same model.',
    );
  }
  if (misshapen.length > 0) {
    throw new WeightError(
      'weights/shape-mismatch',
      `${where}: expected ${some(misshapen, '; expected ')}. Check that config.json and weights are of the same model.`,
    );
  }
  return [...byName].flatMap(([name, made]): WantedTensor[] => {
    const palettized = palettizedNames.get(name);
    if (!palettized) return [{ entry: component.entries.get(name)!, weights: made }];
    return [palettized.palette, palettized.indices].map((entry) => ({ entry, weights: made, palettized }));
  });
}

/** What is palettized in the checkpoint must be so in the graph, alike, and the other way round. */
function checkStorage(weight: Weight, entry: PalettizedEntry | undefined): void {
  const { palette } = weight;
  const [bits, group] = [palette?.bits, palette?.group ?? 0];
  if (entry ? entry.bits === bits && entry.group === group : palette === undefined) return;
  const inFile = entry ? `${entry.bits} bits${entry.group > 0 ? ` in groups of ${entry.group}` : ''}` : 'plain';
  throw new WeightError(
    'weights/palettized',
    `${weight.source.name}: expected it to be ${storageName(weight)}, got it ${inFile} in the checkpoint. ` +
      'Record the graph with the palettes of this checkpoint (componentPalettes); norms, biases and position embeddings ' +
      'are never palettized.',
  );
}

function leftoverOf(component: Component, wanted: readonly WantedTensor[], ignore: readonly RegExp[]): string[] {
  const used = new Set(wanted.map(({ entry }) => entry.name));
  return [...component.entries.keys()].filter(
    (name) => !used.has(name) && !ignore.some((pattern) => pattern.test(name)),
  );
}

function some(items: readonly string[], separator: string): string {
  const rest = items.length - 5;
  return items.slice(0, 5).join(separator) + (rest > 0 ? ` and ${rest} more` : '');
}

function unsupported(name: string, dtype: string): WeightError {
  return new WeightError(
    'weights/unsupported-dtype',
    `${name}: expected F32, F16 or BF16, got ${dtype}. Save the model in one of these.`,
  );
}

function outOfRange(
  { entry, firstRow, rowCount }: Band,
  raw: Uint8Array<ArrayBuffer>,
  bad: number,
  dtype = entry.dtype,
): WeightError {
  const size = dtype === 'F32' ? 4 : 2;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const value = new DataView(new ArrayBuffer(4));
  value.setUint32(0, size === 4 ? view.getUint32(bad * 4, true) : view.getUint16(bad * 2, true) << 16);
  const rowElements = raw.length / size / Math.max(rowCount, 1);
  return new WeightError(
    'weights/out-of-range',
    `${entry.name}: expected values within ±65504 to store it in fp16, got ${value.getFloat32(0)} at element ` +
      `${firstRow * rowElements + bad}. Store this part in f32 (precision f32), or use a checkpoint made for fp16.`,
  );
}
