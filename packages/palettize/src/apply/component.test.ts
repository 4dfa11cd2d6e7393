import { readFile, writeFile } from 'node:fs/promises';
import { fromHalfArray, isPleinairError, toHalfArray, type PaletteBits } from '@pleinair/tensor';
import { randomArray, readGolden } from '@pleinair/testing';
import {
  openSafetensors,
  type Component,
  type TensorToWrite,
  paletteBits,
  type StoredPaletteForm,
  palettizedEntries,
  readPalettized,
} from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { describe, expect, it } from 'vitest';
import { fileOf, halves, singlePart } from '../../test/parts.js';

import { nodeWorkerSolver } from '../node-workers.js';
import { ProgressMeter, type Progress } from '../progress.js';
import { directSolver } from '../workers/solver.js';
import { fitPalettes } from './fit-palettes.js';
import { palettizedPart } from './palettized-tensors.js';

const solver = directSolver();
const goldens = new URL('../../test/goldens/', import.meta.url);

/** Every width, both kinds of shape, with and without groups, outputs that do not fill a block. */
const forms = new Map<string, StoredPaletteForm>(
  paletteBits.flatMap((bits) => [
    [`linear_${bits}.weight`, { shape: [40, 12], bits, group: 0 }],
    [`conv_${bits}.weight`, { shape: [33, 4, 3, 3], bits, group: bits % 2 === 0 ? 12 : 4 }],
  ]),
);
const plain = [halves('norm.weight', [7], 90), { ...halves('skipped.weight', [6, 6], 91), name: 'skipped.weight' }];
const sources = [...[...forms].map(([name, { shape }], i) => halves(name, shape, i + 1)), ...plain];

async function palettize(component: Component, wanted: ReadonlyMap<string, StoredPaletteForm>, options = {}) {
  const part = palettizedPart(component, await fitPalettes(component, wanted, { solver, ...options }));
  return fileOf(part.tensors, part.metadata);
}

function form(shape: number[], bits: PaletteBits = 4, group = 0): StoredPaletteForm {
  return { shape, bits, group };
}

describe('fitPalettes and palettizedPart', () => {
  it('write the recorded bytes, which the documented Python decodes to what is read here', async () => {
    const file = await palettize(await singlePart(sources, { licence: 'test' }), forms);
    const packed = new URL('packed.safetensors', goldens);
    if (process.env['PLEINAIR_WRITE_GOLDENS']) await writeFile(packed, file);
    expect(Buffer.compare(file, await readFile(packed))).toBe(0);

    const decodedByPython = await readGolden(new URL('decoded.safetensors', goldens));
    const opened = await openSafetensors(folderSource(new URL('.', goldens).pathname), 'packed.safetensors');
    expect(opened.metadata).toMatchObject({ format: 'pt', licence: 'test' });
    const entries = palettizedEntries({
      name: 'golden',
      source: opened.source,
      files: [opened],
      entries: new Map([...opened.entries].map(([name, entry]) => [name, { ...entry, file: opened }])),
    });
    expect([...entries.keys()].sort()).toEqual(decodedByPython.names.toSorted());
    for (const [name, entry] of entries) {
      expect(entry).toMatchObject(forms.get(name)!);
      const golden = decodedByPython.tensor(name);
      expect(golden.shape).toEqual(entry.shape);
      expect([...fromHalfArray(await readPalettized(entry))]).toEqual([...(golden.data as Float32Array)]);
    }
  });

  it('give each weight the nearest entry of its group, and leave other tensors as they are', async () => {
    const source = await singlePart(sources);
    const fitted = await fitPalettes(source, forms, { solver });
    const part = palettizedPart(source, fitted);
    const component = await singlePart(part.tensors, part.metadata);
    for (const [name, entry] of palettizedEntries(component)) {
      const original = fromHalfArray(sources.find((tensor) => tensor.name === name)!.data);
      const decoded = fromHalfArray(await readPalettized(entry));
      const columns = original.length / entry.shape[0]!;
      const rows = entry.group || entry.shape[0]!;
      let error = 0;
      original.forEach((value, i) => {
        const palette = fitted.get(name)!.palettes[Math.floor(i / columns / rows)]!;
        const nearest = Math.min(...fromHalfArray(palette.entries).map((each) => Math.abs(each - value)));
        expect(Math.abs(decoded[i]! - value)).toBe(nearest);
        error += nearest ** 2;
      });
      expect(Math.abs(fitted.get(name)!.error / error - 1)).toBeLessThan(original.length * 2 ** -50);
    }
    for (const { name, data } of plain) {
      const { file, begin, end } = component.entries.get(name)!;
      expect(await file.source.readRange(file.path, begin, end)).toEqual(new Uint8Array(data.buffer));
    }
  });

  it('are the same with any number of workers', async () => {
    const component = await singlePart(sources);
    const alone = await palettize(component, forms);
    for (const workers of [1, 4]) {
      const many = nodeWorkerSolver({ workers });
      try {
        expect(Buffer.compare(await palettize(component, forms, { solver: many }), alone)).toBe(0);
      } finally {
        await many.close();
      }
    }
  });

  it('take F32 and BF16 as the nearest halves', async () => {
    const values = randomArray(8 * 40, 5, 0.1);
    const bfloats = new Uint16Array(new Uint32Array(values.slice().buffer).map((bits) => bits >>> 16));
    const ofBfloats = new Float32Array(Uint32Array.from(bfloats, (bits) => bits << 16).buffer);
    const tensors: TensorToWrite[] = [
      { name: 'f32.weight', dtype: 'F32', shape: [40, 8], data: values },
      { name: 'bf16.weight', dtype: 'BF16', shape: [40, 8], data: bfloats },
    ];
    const twins: TensorToWrite[] = [
      { name: 'f32.weight', dtype: 'F16', shape: [40, 8], data: toHalfArray(values) },
      { name: 'bf16.weight', dtype: 'F16', shape: [40, 8], data: toHalfArray(ofBfloats) },
    ];
    const wanted = new Map([
      ['f32.weight', form([40, 8])],
      ['bf16.weight', form([40, 8])],
    ]);
    const found = await palettize(await singlePart(tensors), wanted);
    expect(Buffer.compare(found, await palettize(await singlePart(twins), wanted))).toBe(0);
  });

  it('read large tensors in bands', async () => {
    // 2,100 rows of 2 KB: two bands, the second of which fills no block.
    const tensor = halves('w.weight', [2100, 1024], 3);
    const component = await singlePart([tensor]);
    const counted: Progress[] = [];
    const meter = new ProgressMeter(2 * 2100 * 1024, (progress) => counted.push(progress));
    const fitted = await fitPalettes(component, new Map([['w.weight', form([2100, 1024], 2)]]), { solver, meter });
    expect(counted.length).toBeGreaterThan(1);
    expect(counted.at(-1)).toMatchObject({ done: 2 * 2100 * 1024, secondsLeft: 0 });
    const part = palettizedPart(component, fitted);
    const entry = palettizedEntries(await singlePart(part.tensors, part.metadata)).get('w.weight')!;
    const decoded = fromHalfArray(await readPalettized(entry));
    const error = fromHalfArray(tensor.data).reduce((sum, value, i) => sum + (value - decoded[i]!) ** 2, 0);
    expect(Math.abs(fitted.get('w.weight')!.error / error - 1)).toBeLessThan(2100 * 1024 * 2 ** -50);
  });

  it('shape palettes by importance', async () => {
    const tensor = halves('w.weight', [32, 10], 4);
    tensor.data.forEach((_, i) => {
      if (i % 10 === 0) tensor.data[i] = toHalfArray([3 + (i % 7) / 7])[0]!;
    });
    const component = await singlePart([tensor]);
    const wanted = new Map([['w.weight', form([32, 10], 3)]]);
    const importanceOf = () => Array.from({ length: 10 }, (_, c) => (c === 0 ? 1 : 0));
    const fitted = (await fitPalettes(component, wanted, { solver, importanceOf })).get('w.weight')!;
    expect(fitted.error).toBe(0);
    expect(fromHalfArray(fitted.palettes[0]!.entries)[0]).toBeGreaterThanOrEqual(3);
  });

  it.each<[string, string, TensorToWrite, StoredPaletteForm?]>([
    [
      'palettize/not-finite',
      'an infinite half',
      { ...halves('w.weight', [4, 4], 1), data: new Uint16Array(16).fill(0x7c00) },
    ],
    [
      'palettize/out-of-range',
      'an f32 beyond halves',
      { name: 'w.weight', dtype: 'F32', shape: [4, 4], data: new Float32Array(16).fill(1e6) },
    ],
    [
      'weights/unsupported-dtype',
      'integers',
      { name: 'w.weight', dtype: 'I32', shape: [4, 4], data: new Int32Array(16) },
    ],
    ['palettize/invalid-argument', 'another shape', halves('w.weight', [4, 4], 1), form([4, 5])],
    ['palettize/invalid-argument', 'groups of 6', halves('w.weight', [4, 4], 1), form([4, 4], 4, 6)],
  ])('refuse with %s %s', async (code, _, tensor, wanted = form([4, 4])) => {
    const failing = fitPalettes(await singlePart([tensor]), new Map([['w.weight', wanted]]), { solver });
    await expect(failing).rejects.toSatisfy((error) => isPleinairError(error) && error.code === code);
  });

  it('stop on a signal, while fitting and while writing', async () => {
    const component = await singlePart(sources);
    const control = new AbortController();
    const meter = new ProgressMeter(1, () => control.abort());
    const cancelled = { code: 'cancelled' };
    await expect(fitPalettes(component, forms, { solver, signal: control.signal, meter })).rejects.toMatchObject(
      cancelled,
    );
    const part = palettizedPart(component, await fitPalettes(component, forms, { solver }), { signal: control.signal });
    await expect(fileOf(part.tensors)).rejects.toMatchObject(cancelled);
  });
});
