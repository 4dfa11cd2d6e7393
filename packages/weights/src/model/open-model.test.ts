import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkpointNames } from '../../test/checkpoint-names.js';
import { failureOf, modelOf } from '../../test/fixtures.js';
import { singleFileBlob } from '../../test/single-file.js';
import { folderSource } from '../folder-source.js';
import { blobSource, isPartedSource, openComponent, openModel, splitCheckpointAddress } from '../index.js';

const folder = folderSource(fileURLToPath(new URL('../../../testing/goldens/tiny-sdxl', import.meta.url)));
const { 'tiny-sdxl': names } = await checkpointNames();
const blob = await singleFileBlob(folder, names, 'F16');

describe('openModel', () => {
  it('takes a folder of parts as it is', async () => {
    expect(await openModel(folder)).toBe(folder);
    const part = modelOf({ 'config.json': '{}', 'model.safetensors': new Uint8Array(8) });
    expect(await openModel(part)).toBe(part);
  });

  it('takes the checkpoint that is named, or the only one there is', async () => {
    const files = new Map([['a.safetensors', blob]]);
    for (const file of [undefined, 'a.safetensors']) {
      const model = await openModel(blobSource(files), { file, config: folder });
      expect(isPartedSource(model)).toBe(true);
      expect((await openComponent(model, 'unet')).entries.size).toBe(Object.keys(names.parts['unet']!).length);
    }
    const two = blobSource(new Map([...files, ['b.safetensors', blob]]));
    const error = await failureOf(openModel(two));
    expect(error.code).toBe('weights/ambiguous');
    expect(error.message).toContain('a.safetensors, b.safetensors');
    expect(isPartedSource(await openModel(two, { file: 'b.safetensors' }))).toBe(true);
  });

  it('tells a checkpoint that is not there, or is cut short', async () => {
    const error = await failureOf(openModel(folder, { file: 'none.safetensors' }));
    expect(error.code).toBe('weights/missing-file');
    for (const [bytes, code] of [
      [4, 'weights/truncated'],
      [1000, 'weights/truncated'],
      [blob.size - 1, 'weights/truncated'],
    ] as const) {
      const cut = blobSource(new Map([['a.safetensors', blob.slice(0, bytes)]]));
      expect((await failureOf(openModel(cut))).code).toBe(code);
    }
  });
});

describe('splitCheckpointAddress', () => {
  it.each([
    ['https://a.example/m/model.safetensors', { base: 'https://a.example/m/', file: 'model.safetensors' }],
    ['https://a.example/m/my%20model.ckpt?key=1', { base: 'https://a.example/m/?key=1', file: 'my model.ckpt' }],
    ['https://a.example/models/sdxl', undefined],
    ['https://a.example/', undefined],
    ['no address.safetensors', undefined],
  ])('%s', (address, parts) => {
    expect(splitCheckpointAddress(address)).toEqual(parts);
  });
});
