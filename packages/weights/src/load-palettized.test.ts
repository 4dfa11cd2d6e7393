import {
  Graph,
  paletteOfRow,
  paletteTableBytes,
  type PackedPiece,
  type PaletteForm,
  type Weight,
  type WeightLayout,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../test/fixtures.js';
import { halves, singlePart } from '../test/parts.js';
import {
  componentPalettes,
  encodeDescription,
  loadWeights,
  readPalettized,
  palettizedEntries,
  type Component,
  type StoredPaletteForm,
} from './index.js';

/** Blocks of 32 rows, K' being K with a gap after every `run` of a tap's channels: as padded inputs leave. */
function blocks(channels: number, gap: number): WeightLayout {
  const padded = (shape: readonly number[]): number => (k(shape) / channels) * (channels + gap);
  const k = (shape: readonly number[]): number => shape.slice(1).reduce((a, b) => a * b, 1);
  return {
    key: `blocks/${channels}+${gap}`,
    bandRows: 32,
    elements: (shape) => Math.ceil(shape[0]! / 32) * 32 * padded(shape),
    pack: () => {
      throw new Error('expected no floats');
    },
    paletteOrder: (shape) =>
      Uint32Array.from({ length: k(shape) }, (_, i) => Math.floor(i / channels) * (channels + gap) + (i % channels)),
  };
}

const stored: Record<string, StoredPaletteForm> = {
  'linear.weight': { shape: [70, 12], bits: 3, group: 0 },
  'conv.weight': { shape: [40, 4, 3, 3], bits: 6, group: 8 },
};

/** A part with indices and palettes of made-up bytes, and a plain vector. */
async function palettized(entries?: number): Promise<Component> {
  const tensors = Object.entries(stored).flatMap(([name, { shape, bits, group }], t) => {
    const k = shape.slice(1).reduce((a, b) => a * b, 1);
    const rows = Math.ceil(shape[0]! / 32);
    const data = Uint8Array.from({ length: rows * k * 4 * bits }, (_, i) => Math.imul(i + t + 1, 0x9e3779b1) >>> 24);
    const groups = group === 0 ? 1 : Math.ceil(shape[0]! / group);
    return [
      { name: `${name}.palette_indices`, dtype: 'U8' as const, shape: [rows, k, 4 * bits], data },
      { ...halves('', [groups, entries ?? 2 ** bits], t + 1), name: `${name}.palette` },
    ];
  });
  return singlePart([...tensors, halves('linear.bias', [70], 9)], encodeDescription(new Map(Object.entries(stored))));
}

function record(palettes: (name: string) => PaletteForm | undefined, layouts: Record<string, WeightLayout>): Weight[] {
  const g = new Graph('test', { dtype: 'f16', palettes });
  return Object.entries(layouts).map(([name, layout]) => g.weight(name, stored[name]!.shape, layout));
}

/** What a kernel would decode: value at (row, k'), from the words as they lie on the GPU. */
function decoded(weight: Weight, words: Uint32Array, row: number, k: number): number {
  const { bits } = weight.palette!;
  const [rows] = weight.source.shape as [number];
  const padded = weight.layout.elements(weight.source.shape) / (Math.ceil(rows / 32) * 32);
  const table = paletteTableBytes(weight.palette!, rows);
  const bytes = new Uint8Array(words.buffer);
  let index = 0;
  for (let b = 0; b < bits; b++) {
    const bit = (Math.floor(row / 32) * padded + k) * 32 * bits + (row % 32) * bits + b;
    index |= ((bytes[table + (bit >> 3)]! >> (bit & 7)) & 1) << b;
  }
  const group = paletteOfRow(weight.palette!, row);
  return new Uint16Array(words.buffer)[group * 2 ** bits + index]!;
}

async function load(component: Component, weights: readonly Weight[], bandBytes?: number) {
  const buffers = new Map(weights.map((weight) => [weight, new Uint32Array(weight.byteLength / 4).fill(0xdeadbeef)]));
  const written = new Map(weights.map((weight) => [weight, new Uint8Array(weight.byteLength / 4)]));
  const report = await loadWeights(weights, component, {
    bandBytes,
    upload: (weight, { elementOffset, values }: PackedPiece) => {
      if (!(values instanceof Uint32Array)) throw new Error('expected words');
      buffers.get(weight)!.set(values, elementOffset);
      values.forEach((_, i) => written.get(weight)![elementOffset + i]!++);
    },
  });
  return { buffers, written, report };
}

describe('loadWeights of palettized tensors', () => {
  it.each([
    ['in whole reads', 4 << 20, 0],
    ['in many reads', 400, 0],
    ['into rows with gaps', 400, 4],
  ])('brings indices and palettes as they are, %s', async (_, bandBytes, gap) => {
    const component = await palettized();
    const layouts = { 'linear.weight': blocks(12, gap), 'conv.weight': blocks(4, gap) };
    const weights = record(componentPalettes(component), layouts);
    const { buffers, written, report } = await load(component, weights, bandBytes);
    expect(report.leftover).toEqual(['linear.bias']);
    for (const weight of weights) {
      const { name, shape } = weight.source;
      expect(Math.min(...written.get(weight)!), name).toBe(1);
      expect(Math.max(...written.get(weight)!), name).toBe(1);
      const expected = await readPalettized(palettizedEntries(component).get(name)!);
      const [rows, channels, kh = 1, kw = 1] = shape as [number, number, number?, number?];
      const taps = kh * kw;
      for (let row = 0; row < rows; row++) {
        for (let c = 0; c < channels; c++) {
          for (let tap = 0; tap < taps; tap++) {
            const got = decoded(weight, buffers.get(weight)!, row, tap * (channels + gap) + c);
            expect(got).toBe(expected[(row * channels + c) * taps + tap]);
          }
        }
      }
    }
  });

  it('fills short palettes up, and refuses indices beyond them', async () => {
    const component = await palettized(5);
    const weights = record(componentPalettes(component), { 'linear.weight': blocks(12, 0) });
    expect(await failureOf(load(component, weights))).toMatchObject({ code: 'weights/palette-index' });
  });

  it.each<[string, (name: string) => PaletteForm | undefined]>([
    ['for a plain checkpoint', () => undefined],
    ['for other bits', () => ({ bits: 4 })],
    ['for other groups', (name) => (name.startsWith('conv') ? { bits: 6 } : { bits: 3 })],
  ])('refuses a graph recorded %s, before it reads', async (_, palettes) => {
    const weights = record(palettes, { 'linear.weight': blocks(12, 0), 'conv.weight': blocks(4, 0) });
    const failure = await failureOf(load(await palettized(), weights));
    expect(failure).toMatchObject({ code: 'weights/palettized' });
    expect(failure.message).toMatch(/expected it to be .*, got it .*\. Record the graph/);
  });
});
