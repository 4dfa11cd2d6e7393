import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { clipMergesText, clipVocabularyText } from './vocabulary.js';

describe("CLIP's vocabulary", () => {
  it('has the merges as OpenAI published them, letter by letter', async () => {
    const packed = await readFile(new URL('../../../text/test/fixtures/clip-merges.txt.gz', import.meta.url));
    const published = gunzipSync(packed).toString('utf8').trimEnd().split('\n');
    const merges = (await clipMergesText()).trimEnd().split('\n');
    expect(published).toHaveLength(48_895);
    expect(merges.slice(1)).toEqual(published.slice(1));
  });

  it('counts tokens as the published vocab.json does', async () => {
    const vocabulary = JSON.parse(await clipVocabularyText()) as Record<string, number>;
    expect(Object.keys(vocabulary)).toHaveLength(49_408);
    expect(new Set(Object.values(vocabulary)).size).toBe(49_408);
    // Ids that the literature names: prompts of SDXL begin with 49406 and are filled up with 49407 or 0.
    expect(vocabulary).toMatchObject({ '!': 0, 'a</w>': 320, 'cat</w>': 2368, 'photo</w>': 1125 });
    expect(vocabulary).toMatchObject({ '<|startoftext|>': 49_406, '<|endoftext|>': 49_407 });
  });
});
