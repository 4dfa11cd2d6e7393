import { fileURLToPath } from 'node:url';
import { fromHalfArray, toHalfArray } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { checkpointNames } from '../../test/checkpoint-names.js';
import { singleFileBlob } from '../../test/single-file.js';
import { Converter } from '../convert.js';
import { folderSource } from '../folder-source.js';
import { blobSource, openComponent, readTensor, type ComponentEntry, type FloatDtype } from '../index.js';
import { openCheckpoint } from './single-file.js';

const model = folderSource(fileURLToPath(new URL('../../../testing/goldens/tiny-sdxl', import.meta.url)));
const { 'tiny-sdxl': names } = await checkpointNames();

async function valuesOf({ file, begin, end, dtype }: ComponentEntry): Promise<Float32Array> {
  const bytes = await file.source.readRange(file.path, begin, end);
  return new Converter().toFloats(bytes, dtype as FloatDtype);
}

describe.each(['F32', 'F16', 'BF16'] as const)('a tiny SDXL as one file of %s', (dtype) => {
  it('has the values of the folder, tensor by tensor, also where they are read in pieces', async () => {
    const blob = await singleFileBlob(model, names, dtype);
    const checkpoint = await openCheckpoint(blobSource(new Map([['tiny.safetensors', blob]])), 'tiny.safetensors', {
      config: model,
    });
    for (const folder of Object.keys(names.parts)) {
      const wanted = await openComponent(model, folder, { prefer: 'full' });
      const got = await openComponent(checkpoint, folder);
      expect([...got.entries.keys()].sort()).toEqual([...wanted.entries.keys()].sort());
      for (const [name, entry] of wanted.entries) {
        const { values, shape } = await readTensor(entry.file, name);
        const found = got.entries.get(name)!;
        expect(found.shape, name).toEqual(shape);
        const stored = { F32: values, F16: fromHalfArray(toHalfArray(values)), BF16: cut(values) }[dtype];
        expect(await valuesOf(found), `${folder} ${name}`).toEqual(stored);
      }
    }
    // A piece in the middle of a tensor that is turned while it is read.
    const projection = (await openComponent(checkpoint, 'text_encoder_2')).entries.get('text_projection.weight')!;
    const { file, begin, end } = projection;
    const whole = await file.source.readRange(file.path, begin, end);
    const into = new Uint8Array(100);
    const piece = await file.source.readRange(file.path, begin + 37, begin + 79, { into });
    expect(piece).toEqual(whole.subarray(37, 79));
  });
});

function cut(values: Float32Array<ArrayBuffer>): Float32Array {
  const bits = new Uint32Array(values.slice().buffer);
  return new Float32Array(bits.map((each) => each & 0xffff0000).buffer);
}
