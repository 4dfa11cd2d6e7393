import { PaletteError } from '../errors.js';
import type { SafetensorsFile } from '../safetensors-file.js';
import { isStoredPaletteForm, type StoredPaletteForm } from './form.js';

/** The key of the header's `__metadata__` under which palettized tensors are described. */
export const metadataKey = 'pleinair.palettized';

/** The version of the format that is written, and the one that is read. */
export const formatVersion = 1;

/** Ends of the names of the two tensors that stand for one. */
export const indicesSuffix = '.palette_indices';
export const paletteSuffix = '.palette';

/** What a file says about its palettized tensors. */
export interface PaletteDescription {
  readonly version: number;
  readonly tensors: ReadonlyMap<string, StoredPaletteForm>;
}

/** The entry for a file's `__metadata__`: `{"version": 1, "tensors": {name: {shape, bits, group}}}` as one text. */
export function encodeDescription(tensors: ReadonlyMap<string, StoredPaletteForm>): Record<string, string> {
  const described = [...tensors].map(([name, { shape, bits, group }]) => [name, { shape, bits, group }]);
  return { [metadataKey]: JSON.stringify({ version: formatVersion, tensors: Object.fromEntries(described) }) };
}

/**
 * A file's description, or undefined where it has no palettized tensors.
 *
 * @throws `PaletteError` `weights/palette-metadata` where it cannot be read. A version other than this package's is
 * returned, without its tensors, for the caller to judge.
 */
export function readDescription(file: SafetensorsFile): PaletteDescription | undefined {
  const text = file.metadata[metadataKey];
  const packed = [...file.entries.keys()].find((name) => name.endsWith(indicesSuffix));
  if (text === undefined) {
    if (packed === undefined) return undefined;
    throw invalid(file, `${metadataKey} in its header's metadata, as it holds ${packed}`, 'none');
  }
  const { version, tensors } = parseObject(file, text);
  if (!Number.isSafeInteger(version)) throw invalid(file, 'a version', JSON.stringify(version) ?? 'none');
  if (version !== formatVersion) return { version: version as number, tensors: new Map() };
  if (typeof tensors !== 'object' || tensors === null || Array.isArray(tensors)) {
    throw invalid(file, 'tensors by name', JSON.stringify(tensors) ?? 'none');
  }
  const forms = new Map<string, StoredPaletteForm>();
  for (const [name, form] of Object.entries(tensors)) {
    if (!isStoredPaletteForm(form)) throw invalid(file, `shape, bits and group of ${name}`, JSON.stringify(form));
    forms.set(name, { shape: form.shape, bits: form.bits, group: form.group });
  }
  const undescribed = [...file.entries.keys()].find(
    (name) => name.endsWith(indicesSuffix) && !forms.has(name.slice(0, -indicesSuffix.length)),
  );
  if (undescribed !== undefined) throw invalid(file, `a description of ${undescribed}`, 'none');
  return { version: formatVersion, tensors: forms };
}

function parseObject(file: SafetensorsFile, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(file, `JSON under ${metadataKey}`, error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null) throw invalid(file, `an object under ${metadataKey}`, text);
  return value as Record<string, unknown>;
}

function invalid(file: SafetensorsFile, expected: string, got: string): PaletteError {
  return new PaletteError(
    'weights/palette-metadata',
    `${file.path}: expected ${expected}, got ${got.replace(/\.$/, '')}. Palettize the model again.`,
  );
}
