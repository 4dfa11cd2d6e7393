import { describe, expect, it } from 'vitest';
import { pickedModel, type PickedFile } from './picked-model.js';

const files = (...paths: string[]): PickedFile[] => paths.map((path) => [path, new File([], path.split('/').at(-1)!)]);
const pathsOf = (picked: ReturnType<typeof pickedModel>): unknown =>
  picked.kind === 'model' && picked.spot.kind === 'files' ? picked.spot.files.map(([path]) => path) : picked;

describe('what was picked from this computer', () => {
  it('is a checkpoint, alone or in a folder', () => {
    expect(pickedModel(files('Dream v8.safetensors'))).toMatchObject({ kind: 'model', title: 'Dream v8' });
    expect(pathsOf(pickedModel(files('stuff/dream.safetensors', 'stuff/dream.png', 'stuff/.DS_Store')))).toEqual([
      'dream.safetensors',
    ]);
    // Configurations beside it are taken along.
    expect(pathsOf(pickedModel(files('stuff/unet/config.json', 'stuff/dream.safetensors')))).toEqual([
      'dream.safetensors',
      'unet/config.json',
    ]);
  });

  it('is a folder in diffusers layout, wherever its top is', () => {
    const picked = pickedModel(files('a/sdxl/model_index.json', 'a/sdxl/unet/config.json', 'a/sdxl/.cache/x'));
    expect(picked).toMatchObject({ kind: 'model', title: 'sdxl' });
    expect(pathsOf(picked)).toEqual(['model_index.json', 'unet/config.json']);
    expect(pathsOf(pickedModel(files('model_index.json', 'unet/config.json')))).toHaveLength(2);
  });

  it.each([
    [['a.ckpt'], /pickle.*was not.*safetensors/],
    [['folder/a.pt', 'folder/readme.txt'], /a\.pt is a Python pickle/],
    [['a.gguf'], /llama\.cpp/],
    [['notes.txt'], /no \.safetensors/],
    [['f/a.safetensors', 'f/b.safetensors'], /2 checkpoints.*a\.safetensors, b\.safetensors/],
    [['f/a.txt', 'f/b.txt'], /No model_index\.json/],
    [[], /empty/],
  ])('of %j is refused with the reason and the cure', (paths, why) => {
    expect(pickedModel(files(...paths))).toEqual({ kind: 'refused', why: expect.stringMatching(why) as string });
  });
});
