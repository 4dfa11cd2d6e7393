import type { TensorToWrite } from '../index.js';
import { describe, expect, it } from 'vitest';
import { fileOf, halves, partOf, singlePart } from '../../test/parts.js';
import { PaletteError } from '../errors.js';
import { encodeDescription, metadataKey } from './description.js';
import { palettizedEntries, readIndices, readPalettes, readPalettized } from './entries.js';

const form = { shape: [40, 6], bits: 2, group: 0 } as const;
const description = encodeDescription(new Map([['w.weight', form]]));

function indices(bytes = 2 * 6 * 8): TensorToWrite {
  return {
    name: 'w.weight.palette_indices',
    dtype: 'U8',
    shape: [2, 6, bytes / 12],
    data: new Uint8Array(bytes).fill(0b1001),
  };
}

function palette(...entries: number[]): TensorToWrite {
  return { name: 'w.weight.palette', dtype: 'F16', shape: [1, entries.length], data: Uint16Array.from(entries) };
}

const whole = palette(0xbc00, 0, 0x3c00, 0x4000);

async function codeOf(operation: Promise<unknown>): Promise<string> {
  const error: unknown = await operation.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PaletteError)) throw new Error(`expected a PaletteError, got ${String(error)}`);
  expect(error.message).toMatch(/: expected .*, got .*\. \w.*\.$/);
  return error.code;
}

async function open(tensors: TensorToWrite[], metadata: Record<string, string> = description) {
  return palettizedEntries(await singlePart(tensors, metadata));
}

describe('palettizedEntries', () => {
  it('finds what the header describes, and leaves other tensors alone', async () => {
    const plain = halves('norm.weight', [6], 1);
    const entries = await open([indices(), whole, plain]);
    expect([...entries.keys()]).toEqual(['w.weight']);
    const entry = entries.get('w.weight')!;
    expect(entry).toMatchObject({ ...form, name: 'w.weight' });
    expect(await readPalettes(entry)).toEqual(Uint16Array.of(0xbc00, 0, 0x3c00, 0x4000));
    expect(await readIndices(entry, 1, 1)).toEqual(new Uint8Array(48).fill(0b1001));
    const decoded = await readPalettized(entry);
    // Indices 1, 2, 0, 0 again and again along the outputs.
    expect(Array.from(decoded.filter((_, i) => i % 6 === 5)).slice(0, 5)).toEqual([0, 0x3c00, 0xbc00, 0xbc00, 0]);
  });

  it('is empty for a part without', async () => {
    expect((await open([halves('w.weight', [4, 4], 1)], {})).size).toBe(0);
  });

  it('fills short palettes up with their last entry', async () => {
    const entries = await open([indices(), palette(0xbc00, 0, 0x3c00)]);
    const entry = entries.get('w.weight')!;
    expect(await readPalettes(entry)).toEqual(Uint16Array.of(0xbc00, 0, 0x3c00, 0x3c00));
    expect(await readIndices(entry, 0, 2)).toHaveLength(96);
  });

  it.each<[string, string, TensorToWrite[], Record<string, string>?]>([
    ['no description', 'metadata', [indices(), whole], {}],
    ['a description that is not JSON', 'metadata', [indices(), whole], { [metadataKey]: '{' }],
    ['a description that is no object', 'metadata', [indices(), whole], { [metadataKey]: '3' }],
    ['no version', 'metadata', [indices(), whole], { [metadataKey]: '{"tensors": {}}' }],
    ['no tensors', 'metadata', [indices(), whole], { [metadataKey]: '{"version": 1}' }],
    ['a tensor left out', 'metadata', [indices(), whole], { [metadataKey]: '{"version": 1, "tensors": {}}' }],
    ['5 bits', 'metadata', [indices(), whole], { [metadataKey]: described({ bits: 5 }) }],
    ['groups of 3', 'metadata', [indices(), whole], { [metadataKey]: described({ group: 3 }) }],
    ['a shape of one axis', 'metadata', [indices(), whole], { [metadataKey]: described({ shape: [40] }) }],
    ['a version to come', 'version', [indices(), whole], { [metadataKey]: '{"version": 2, "tensors": {}}' }],
    ['no palette', 'missing', [indices()]],
    ['no indices', 'missing', [whole]],
    ['the plain tensor as well', 'missing', [indices(), whole, halves('w.weight', [40, 6], 1)]],
    ['a palette longer than 2^bits', 'length', [indices(), palette(0, 1, 2, 3, 4)]],
    ['an empty palette', 'length', [indices(), palette()]],
    ['a palette for each group where there is one', 'length', [indices(), { ...palette(0, 1, 2, 3), shape: [2, 2] }]],
    ['a palette of another dtype', 'length', [indices(), { ...whole, dtype: 'BF16' }]],
    ['too few indices', 'payload', [indices(2 * 6 * 4), whole]],
    ['indices of another dtype', 'payload', [{ ...indices(), dtype: 'I8' }, whole]],
    ['another width than described', 'payload', [indices(), whole], { [metadataKey]: described({ bits: 4 }) }],
  ])('refuses %s', async (_, code, tensors, metadata) => {
    expect(await codeOf(open(tensors, metadata))).toBe(`weights/palette-${code}`);
  });

  it('refuses files of different versions', async () => {
    const other = { [metadataKey]: '{"version": 2, "tensors": {}}' };
    const map = {
      'w.weight.palette_indices': 'a.safetensors',
      'w.weight.palette': 'a.safetensors',
      n: 'b.safetensors',
    };
    const part = await partOf({
      'model.safetensors.index.json': new TextEncoder().encode(JSON.stringify({ weight_map: map })),
      'a.safetensors': await fileOf([indices(), whole], description),
      'b.safetensors': await fileOf([halves('n', [4], 1)], other),
    });
    const reading = Promise.resolve().then(() => palettizedEntries(part));
    expect(await codeOf(reading)).toBe('weights/palette-mixed-versions');
  });

  it('refuses an index beyond a short palette, and entries that are not finite', async () => {
    const short = (await open([indices(), palette(0, 1)])).get('w.weight')!;
    expect(await codeOf(readIndices(short, 0, 1))).toBe('weights/palette-index');
    const infinite = (await open([indices(), palette(0, 0x7c00)])).get('w.weight')!;
    expect(await codeOf(readPalettes(infinite))).toBe('weights/palette-value');
  });
});

function described(change: object): string {
  return JSON.stringify({ version: 1, tensors: { 'w.weight': { ...form, ...change } } });
}
