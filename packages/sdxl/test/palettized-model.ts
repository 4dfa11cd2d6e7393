import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { candidatesOf, directSolver, fitPalettes, palettizedPart } from '@pleinair/palettize';
import type { PaletteForm } from '@pleinair/tensor';
import {
  blobSource,
  encodeSafetensors,
  openComponent,
  palettizedEntries,
  readPalettized,
  readTensorBytes,
  type Component,
  type ModelSource,
  type StoredPaletteForm,
  type TensorToWrite,
} from '@pleinair/weights';
import { tinyFolder } from './tiny-model.js';

/** How the parts of a model are palettized, by folder: its layers take these forms in turn. */
export type PartForms = Readonly<Record<string, readonly PaletteForm[]>>;

/** The tiny model twice, its parts palettized and the same ones decoded. */
export interface TwinModels {
  readonly palettized: ModelSource;
  readonly decoded: ModelSource;
}

/**
 * The tiny model with the demo model's tokenizers (whose ids its tables have), some of its parts palettized: every weight
 * that can be, however small.
 */
export async function twinModels(parts: PartForms): Promise<TwinModels> {
  const files = new Map([
    ...(await filesIn(tinyFolder, '')),
    ...(await filesIn(fileURLToPath(modelUrl), 'tokenizer')),
    ...(await filesIn(fileURLToPath(modelUrl), 'tokenizer_2')),
  ]);
  const plain = blobSource(files, 'the tiny model');
  const [palettized, decoded] = [new Map(files), new Map(files)];
  for (const [folder, forms] of Object.entries(parts)) {
    const component = await openComponent(plain, folder);
    const path = component.files[0]!.path;
    const fitted = await fitPalettes(component, storedForms(component, forms), { solver: directSolver() });
    const { tensors, metadata } = palettizedPart(component, fitted);
    palettized.set(path, await blobOf(tensors, metadata));
    const packed = await openComponent(blobSource(palettized), folder);
    decoded.set(path, await blobOf(await decodedTensors(packed)));
  }
  return {
    palettized: blobSource(palettized, 'the tiny model, palettized'),
    decoded: blobSource(decoded, 'the tiny model, decoded'),
  };
}

function storedForms(component: Component, forms: readonly PaletteForm[]): Map<string, StoredPaletteForm> {
  const candidates = candidatesOf(component.entries.values(), { minWeights: 0 });
  return new Map(
    candidates.map(({ tensor, shape }, i) => {
      const { bits, group = 0 } = forms[i % forms.length]!;
      return [tensor, { shape, bits, group }];
    }),
  );
}

async function decodedTensors(component: Component): Promise<TensorToWrite[]> {
  const entries = palettizedEntries(component);
  const tensors: TensorToWrite[] = [];
  for (const entry of entries.values()) {
    tensors.push({ name: entry.name, dtype: 'F16', shape: entry.shape, data: await readPalettized(entry) });
  }
  const packed = new Set([...entries.values()].flatMap(({ indices, palette }) => [indices.name, palette.name]));
  for (const { name, dtype, shape, file } of component.entries.values()) {
    if (!packed.has(name)) tensors.push({ name, dtype, shape, data: (await readTensorBytes(file, name)).bytes });
  }
  return tensors;
}

async function blobOf(tensors: readonly TensorToWrite[], metadata?: Readonly<Record<string, string>>): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of encodeSafetensors(tensors, { metadata })) pieces.push(piece.slice());
  return new Blob(pieces);
}

/** The files under a folder of a model, by their paths in it. */
async function filesIn(model: string, folder: string): Promise<[string, Blob][]> {
  const entries = await readdir(join(model, folder), { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry): Promise<[string, Blob]> => {
        const path = join(entry.parentPath, entry.name);
        return [relative(model, path).split(sep).join('/'), new Blob([await readFile(path)])];
      }),
  );
}
