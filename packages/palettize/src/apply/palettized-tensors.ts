import { paletteBlockRows, paletteGroups, paletteOfRow, throwIfCancelled } from '@pleinair/tensor';
import {
  type Component,
  type ComponentEntry,
  type TensorToWrite,
  columnsOf,
  indexShape,
  encodeDescription,
  packIndices,
  indicesSuffix,
  paletteSuffix,
} from '@pleinair/weights';

import { paletteLookup } from '../kmeans/lookup.js';
import type { ProgressMeter } from '../progress.js';
import { ErrorFeedback } from './error-feedback.js';
import { feedRows } from './feed-rows.js';
import { storedPalettes, type FittedTensor } from './fit-palettes.js';
import { readRows } from './read-rows.js';

/** What `writeSafetensors` or `encodeSafetensors` needs to write a palettized part. */
export interface PalettizedPart {
  readonly tensors: readonly TensorToWrite[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Options of {@link palettizedPart}. */
export interface PackOptions {
  readonly signal?: AbortSignal;
  /** Counts bytes as they are read, to be packed or copied. */
  readonly meter?: ProgressMeter;
  /** Told of each tensor that was written what its entries do: `Σ δᵀ E[x xᵀ] δ`, or the fitted error where inputs are unknown. */
  readonly onPacked?: (tensor: string, error: number) => void;
}

/** Tensors left as they are are copied in pieces of this many bytes. */
const pieceBytes = 4 * 1024 * 1024;

/**
 * A part with some of its tensors palettized: indices and palette instead of each, all others as they are. Bytes are made
 * while they are written, from a second reading of the source, so memory stays at a few megabytes.
 */
export function palettizedPart(
  component: Component,
  fitted: ReadonlyMap<string, FittedTensor>,
  options: PackOptions = {},
): PalettizedPart {
  const tensors = [...component.entries.values()].flatMap((entry): TensorToWrite[] => {
    const tensor = fitted.get(entry.name);
    if (!tensor) {
      return [{ name: entry.name, dtype: entry.dtype, shape: entry.shape, data: () => copyOf(entry, options) }];
    }
    const { form } = tensor;
    const palettes = storedPalettes(tensor);
    return [
      {
        name: entry.name + paletteSuffix,
        dtype: 'F16',
        shape: [paletteGroups(form, form.shape[0]!), 2 ** form.bits],
        data: palettes,
      },
      { name: entry.name + indicesSuffix, dtype: 'U8', shape: indexShape(form), data: () => packedOf(tensor, options) },
    ];
  });
  const forms = new Map([...fitted].map(([name, { form }]) => [name, form]));
  // What the source says of itself stays, e.g. a licence.
  const [first] = component.files;
  return { tensors, metadata: { ...first?.metadata, ...encodeDescription(forms) } };
}

async function* packedOf(
  tensor: FittedTensor,
  { signal, meter, onPacked }: PackOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { entry, form, palettes, inputs } = tensor;
  const columns = columnsOf(form.shape);
  const bytesOfWeight = (entry.end - entry.begin) / (form.shape[0]! * columns);
  const lookups = new LookupCache(palettes);
  const feedback = inputs && new ErrorFeedback(inputs);
  let error = feedback ? 0 : tensor.error;
  for await (const { firstRow, halves } of readRows(entry, signal)) {
    // One block at a time: a block has few groups, however many the tensor has.
    for (let from = 0; from < halves.length; from += paletteBlockRows * columns) {
      let block = halves.subarray(from, from + paletteBlockRows * columns);
      if (feedback) {
        block = block.slice(); // what was read may be the source's own
        error += feedRows(feedback, block, tensor, firstRow + from / columns);
      }
      yield packIndices(form, block, firstRow + from / columns, (row) => lookups.get(paletteOfRow(form, row)));
    }
    meter?.add(bytesOfWeight * halves.length);
  }
  onPacked?.(entry.name, error);
}

/** The lookup of each palette of a block, made when first asked for; those of earlier blocks make room. */
class LookupCache {
  private readonly made = new Map<number, Uint8Array<ArrayBuffer>>();

  constructor(private readonly palettes: FittedTensor['palettes']) {}

  get(group: number): Uint8Array {
    const known = this.made.get(group);
    if (known) return known;
    const [oldest] = this.made;
    // Groups are of 4 outputs at least, so a block touches 9 at most.
    const reused = oldest && this.made.size > paletteBlockRows / 4 ? oldest : undefined;
    if (reused) this.made.delete(reused[0]);
    const lookup = paletteLookup(this.palettes[group]!, reused?.[1]);
    this.made.set(group, lookup);
    return lookup;
  }
}

async function* copyOf(
  { name, file, begin, end }: ComponentEntry,
  { signal, meter }: PackOptions,
): AsyncGenerator<Uint8Array> {
  for (let from = begin; from < end; from += pieceBytes) {
    throwIfCancelled(signal, name);
    const piece = await file.source.readRange(file.path, from, Math.min(from + pieceBytes, end), { signal });
    yield piece;
    meter?.add(piece.length);
  }
}
