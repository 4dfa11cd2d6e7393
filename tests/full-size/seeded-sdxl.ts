import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { palettizableParts } from 'pleinair/models';
import { applyRule } from '@pleinair/palettize';
import { seededWeight } from '@pleinair/testing';
import { paletteGroups, toHalfBits } from '@pleinair/tensor';
import {
  createSource,
  encodeDescription,
  indexShape,
  indicesSuffix,
  isCheckpointModel,
  openModel,
  paletteSuffix,
  type CheckpointModel,
  type StoredPaletteForm,
  type TensorToWrite,
} from '@pleinair/weights';
import { writeSafetensors } from '@pleinair/weights/node';
import { sdxlSingleFileHeader } from '../../packages/weights/test/full-size-single-file.js';

/** What weights of a part are called in diffusers layout. */
const baseName = (part: string): string => (part.startsWith('text_') ? 'model' : 'diffusion_pytorch_model');

/**
 * Writes SDXL base in its real shapes, in diffusers layout: UNet and text encoders palettized to 4 bits, the VAE in half
 * floats, all of seeded weights, with CLIP's own tokenizers. It paints noise; each product keeps unit variance, so nothing
 * overflows. A folder that is whole is left as it is.
 */
export async function writePalettizedSdxl(folder: string): Promise<void> {
  const last = join(folder, 'model_index.json');
  if (existsSync(last)) return;
  const model = await namesOfSdxl();
  for (const part of model.parts) {
    const { entries } = await model.openPart(part);
    const infos = [...entries.values()].map(({ name, shape }) => ({ name, shape, dtype: 'F16' as const }));
    const forms = palettizableParts.includes(part)
      ? applyRule(part, { bits: 4 }, infos).forms
      : new Map<string, StoredPaletteForm>();
    const tensors = infos.flatMap(({ name, shape }): TensorToWrite[] => {
      const form = forms.get(name);
      return form ? palettizedTensors(name, form) : [plainTensor(name, shape)];
    });
    const metadata = forms.size > 0 ? encodeDescription(forms) : {};
    const path = join(folder, part, `${baseName(part)}.safetensors`);
    await mkdir(dirname(path), { recursive: true });
    await writeSafetensors(path, tensors, { metadata });
  }
  for (const path of model.files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    if (path !== 'model_index.json') await writeFile(join(folder, path), await model.readText(path));
  }
  await writeFile(last, await model.readText('model_index.json'));
}

/** SDXL base as a single file under the names of the training code, by its header alone: no weight can be read of it. */
async function namesOfSdxl(): Promise<CheckpointModel> {
  const { header, bytes } = await sdxlSingleFileHeader();
  const source = createSource({
    describe: () => 'its names',
    size: (path) => Promise.resolve(path === 'sdxl.safetensors' ? bytes : undefined),
    readInto(_path, start, target) {
      const piece = header.subarray(start, start + target.length);
      target.set(piece);
      return Promise.resolve(piece.length);
    },
  });
  const model = await openModel(source, { file: 'sdxl.safetensors' });
  if (!isCheckpointModel(model)) throw new Error('SDXL was not taken for a single file');
  return model;
}

/** Sixteen levels as far apart as keeps the variance of a seeded weight, and indices that a hash of the name draws. */
function palettizedTensors(name: string, form: StoredPaletteForm): TensorToWrite[] {
  const size = 2 ** form.bits;
  const scale = Math.sqrt(3 / form.shape.slice(1).reduce((a, b) => a * b, 1));
  const levels = Uint16Array.from({ length: size }, (_, i) => toHalfBits((scale * (2 * i + 1 - size)) / size));
  const groups = paletteGroups(form, form.shape[0]!);
  const palettes = new Uint16Array(groups * size);
  for (let group = 0; group < groups; group++) palettes.set(levels, group * size);
  const packed = indexShape(form);
  const bytes = packed[0] * packed[1] * packed[2];
  return [
    { name: name + paletteSuffix, dtype: 'F16', shape: [groups, size], data: palettes },
    { name: name + indicesSuffix, dtype: 'U8', shape: packed, data: () => hashedBytes(name, bytes) },
  ];
}

function plainTensor(name: string, shape: readonly number[]): TensorToWrite {
  const count = shape.reduce((a, b) => a * b, 1);
  return { name, dtype: 'F16', shape, data: () => pieces() };

  function* pieces(): Generator<Uint16Array> {
    const fill = seededWeight(name, shape);
    const room = new Uint16Array(Math.min(count, pieceBytes / 2));
    for (let first = 0; first < count; first += room.length) {
      const piece = room.subarray(0, Math.min(room.length, count - first));
      fill(piece, first);
      yield piece;
    }
  }
}

const pieceBytes = 4 * 2 ** 20;

/** Bytes that look random, the same for the same name, in one reused piece of memory. */
function* hashedBytes(name: string, bytes: number): Generator<Uint8Array> {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193); // FNV-1a
  const words = new Uint32Array(Math.min(Math.ceil(bytes / 4), pieceBytes / 4));
  for (let at = 0; at < bytes; at += words.byteLength) {
    for (let i = 0; i < words.length; i++) {
      // "lowbias32", Chris Wellons, public domain.
      let x = Math.imul(at / 4 + i, 0x9e3779b1) ^ seed;
      x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
      x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
      words[i] = x ^ (x >>> 16);
    }
    yield new Uint8Array(words.buffer, 0, Math.min(words.byteLength, bytes - at));
  }
}
