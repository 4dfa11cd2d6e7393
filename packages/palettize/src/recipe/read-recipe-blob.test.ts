import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { sampleFile } from '../../test/sample-recipe-file.js';
import { readRecipeBlob } from './read-recipe-blob.js';
import { formatRecipeFile } from './recipe-file.js';

describe('readRecipeBlob', () => {
  it('reads recipe files by the name of a File', async () => {
    const file = sampleFile();
    const read = await readRecipeBlob(new File([formatRecipeFile(file)], 'mine.json'));
    expect(read).toMatchObject({ kind: 'recipes', name: 'mine.json', file: { recipes: file.recipes } });
  });

  it('tells records of an evaluation from them', async () => {
    const text = await readFile(new URL('../../../../bench/results/palettize-demo.json', import.meta.url), 'utf8');
    const read = await readRecipeBlob(new Blob([text]), 'record.json');
    expect(read).toMatchObject({ kind: 'evaluation', evaluation: { prompts: 16 } });
  });

  it('takes what ends in .safetensors for a calibration', async () => {
    const blob = new Blob(['x']);
    expect(await readRecipeBlob(blob, 'mine.calibration.safetensors')).toEqual({
      kind: 'calibration',
      name: 'mine.calibration.safetensors',
      blob,
    });
  });

  it.each([
    ['empty', ''],
    ['a text', 'PK\u0003\u0004 not json'],
    ['no object', '7'],
    ['something else', '{"hello": "world"}'],
  ])('refuses a file that is %s', async (_what, text) => {
    await expect(readRecipeBlob(new Blob([text]), 'x.json')).rejects.toMatchObject({
      code: 'recipe/invalid',
      message: expect.stringMatching(/^x\.json: expected /) as string,
    });
  });

  it('refuses widths that there are none of', async () => {
    const text = JSON.stringify({ recipes: { mine: { conv_in: 5 } } });
    await expect(readRecipeBlob(new Blob([text]))).rejects.toMatchObject({ code: 'recipe/unsupported-bits' });
  });
});
