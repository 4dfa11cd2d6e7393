import { paletteBlockRows, paletteGroups, type PaletteLookup } from '@pleinair/tensor';
import type { Component, ComponentEntry } from '../component.js';
import { PaletteError } from '../errors.js';
import type { ReadOptions, ReadRangeOptions } from '../source.js';
import { paletteSize } from './bits.js';
import { formatVersion, indicesSuffix, paletteSuffix, readDescription } from './description.js';
import { indexShape, type StoredPaletteForm } from './form.js';
import { decodePalettized, unpackIndices } from './unpack.js';

/** A palettized tensor of a part of a model. Nothing of it is read yet but the header. */
export interface PalettizedEntry extends StoredPaletteForm {
  /** The tensor's own name, e.g. `mid_block.attentions.0.proj_in.weight`. */
  readonly name: string;
  /** U8 `[ceil(N/32), columns, 4·bits]`: on the GPU as it is in the file. */
  readonly indices: ComponentEntry;
  /** F16 `[groups, entries]`, entries ≤ 2^bits. */
  readonly palette: ComponentEntry;
}

/**
 * The palettized tensors of a part, by the names of the tensors they stand for; empty where there are none. Checks all
 * that headers can tell: versions, widths, shapes, lengths.
 *
 * @throws {@link PaletteError} with a code of its table.
 */
export function palettizedEntries(component: Component): ReadonlyMap<string, PalettizedEntry> {
  const described = component.files.flatMap((file) => {
    const description = readDescription(file);
    return description ? [{ file, description }] : [];
  });
  const versions = [...new Set(described.map(({ description }) => description.version))];
  if (versions.length > 1) {
    const each = described.map(({ file, description }) => `${description.version} in ${file.path}`);
    throw new PaletteError(
      'weights/palette-mixed-versions',
      `${component.name}: expected files of one version of the palettized format, got ${each.join(', ')}. ` +
        'Take all files of a part from one model.',
    );
  }
  if (versions.length === 1 && versions[0] !== formatVersion) {
    throw new PaletteError(
      'weights/palette-version',
      `${component.name}: expected version ${formatVersion} of the palettized format, got ${versions[0]}. ` +
        'Update Pleinair, or palettize the model again.',
    );
  }
  const entries = new Map<string, PalettizedEntry>();
  for (const { description } of described) {
    for (const [name, form] of description.tensors) entries.set(name, checkedEntry(component, name, form));
  }
  return entries;
}

function checkedEntry(component: Component, name: string, form: StoredPaletteForm): PalettizedEntry {
  const fail = (code: string, expected: string, got: string) =>
    new PaletteError(
      `weights/palette-${code}`,
      `${name}: expected ${expected}, got ${got}. Palettize the model again.`,
    );
  const part = (suffix: string) => {
    const entry = component.entries.get(name + suffix);
    if (!entry) throw fail('missing', `${name}${suffix} in ${component.name}`, 'none');
    return entry;
  };
  const indices = part(indicesSuffix);
  const palette = part(paletteSuffix);
  if (component.entries.has(name))
    throw fail('missing', 'indices and palette only', `a plain tensor ${name} beside them`);
  const wanted = indexShape(form);
  if (indices.dtype !== 'U8' || indices.shape.join() !== wanted.join()) {
    throw fail('payload', `indices U8 [${wanted.join(', ')}] for ${form.bits} bits`, describe(indices));
  }
  const [groups, length = 0] = palette.shape;
  const wantedGroups = paletteGroups(form, form.shape[0]!);
  const most = paletteSize(form.bits);
  if (palette.dtype !== 'F16' || palette.shape.length !== 2 || groups !== wantedGroups || length < 1 || length > most) {
    throw fail('length', `a palette F16 [${wantedGroups}, at most ${most}] for ${form.bits} bits`, describe(palette));
  }
  return { name, ...form, indices, palette };
}

/**
 * Which tensors of a part are palettized, and how, for recording its graph.
 *
 * @throws {@link PaletteError} with a code of its table.
 */
export function componentPalettes(component: Component): PaletteLookup {
  const entries = palettizedEntries(component);
  return (name) => {
    const entry = entries.get(name);
    return entry && { bits: entry.bits, group: entry.group };
  };
}

/**
 * The palettes of a tensor, half bits `[groups, 2^bits]`: shorter ones are filled up with their last entry.
 *
 * @throws {@link PaletteError} `weights/palette-value` for entries that are not finite; what reading throws.
 */
export async function readPalettes(
  entry: PalettizedEntry,
  options: ReadOptions = {},
): Promise<Uint16Array<ArrayBuffer>> {
  const { file, begin, end } = entry.palette;
  return wholePalettes(entry, await file.source.readRange(file.path, begin, end, options));
}

/**
 * Palettes as {@link readPalettes} gives them, from the bytes of the file.
 *
 * @throws {@link PaletteError} `weights/palette-value`
 */
export function wholePalettes(entry: PalettizedEntry, bytes: Uint8Array): Uint16Array<ArrayBuffer> {
  const stored = new Uint16Array(bytes.slice().buffer);
  const bad = stored.findIndex((half) => (half & 0x7c00) === 0x7c00);
  if (bad >= 0) {
    throw new PaletteError(
      'weights/palette-value',
      `${entry.name}: expected finite palette entries, got half bits 0x${stored[bad]!.toString(16)} at ${bad}. ` +
        'Palettize the model again.',
    );
  }
  const [groups, length] = [entry.palette.shape[0]!, entry.palette.shape[1]!];
  const size = paletteSize(entry.bits);
  const out = new Uint16Array(groups * size);
  for (let group = 0; group < groups; group++) {
    const row = stored.subarray(group * length, (group + 1) * length);
    out.fill(row[length - 1]!, group * size, (group + 1) * size);
    out.set(row, group * size);
  }
  return out;
}

/**
 * Packed indices of some blocks of 32 outputs, as they go to the GPU.
 *
 * @param firstBlock - From 0.
 * @param blocks - How many.
 * @throws {@link PaletteError} `weights/palette-index` where an index points beyond a palette of fewer than 2^bits
 * entries; what reading throws.
 */
export async function readIndices(
  entry: PalettizedEntry,
  firstBlock: number,
  blocks: number,
  options: ReadRangeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const [, columns, bytes] = indexShape(entry);
  const { file, begin } = entry.indices;
  const first = begin + firstBlock * columns * bytes;
  const packed = await file.source.readRange(file.path, first, first + blocks * columns * bytes, options);
  checkIndices(entry, packed, blocks);
  return packed;
}

/** A palettized tensor decoded to half bits, in the checkpoint's order. For small ones: it all comes into memory. */
export async function readPalettized(
  entry: PalettizedEntry,
  options: ReadOptions = {},
): Promise<Uint16Array<ArrayBuffer>> {
  const palettes = await readPalettes(entry, options);
  return decodePalettized(entry, await readIndices(entry, 0, indexShape(entry)[0], options), palettes);
}

/**
 * Checks that no index of some blocks points beyond its palette; there is nothing to check where palettes are whole.
 *
 * @throws {@link PaletteError} `weights/palette-index`
 */
export function checkIndices(entry: PalettizedEntry, packed: Uint8Array, blocks: number): void {
  const length = entry.palette.shape[1]!;
  if (length === paletteSize(entry.bits)) return;
  const form = { shape: [blocks * paletteBlockRows, ...entry.shape.slice(1)], bits: entry.bits, group: 0 };
  const largest = unpackIndices(form, packed).reduce((most, index) => Math.max(most, index), 0);
  if (largest < length) return;
  throw new PaletteError(
    'weights/palette-index',
    `${entry.name}: expected indices below ${length}, the length of its palettes, got ${largest}. Palettize the model again.`,
  );
}

function describe({ dtype, shape }: ComponentEntry): string {
  return `${dtype} [${shape.join(', ')}]`;
}
