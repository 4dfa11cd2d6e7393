import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clipFiles, readGoldens, sha256, type Goldens, type TokenizerGoldens } from '../../test/goldens.js';
import { loadTokenizer, type ClipTokenizer } from './index.js';

const clip = clipFiles();
const goldens = readGoldens('clip-ids');
const demo = readGoldens('demo-ids');

describe.each(Object.entries(goldens.tokenizers))('CLIP vocabulary as in SDXL %s', (_, golden) => {
  expectGoldens(goldens, golden, clip['merges.txt'], loadTokenizer({ ...clip, ...golden.files }));

  it.each(['pairs', 'strings'])('gives the same ids from tokenizer.json, merges as %s', (form) => {
    const lines = clip['merges.txt'].trim().split('\n').slice(1);
    const merges = form === 'pairs' ? lines.map((line) => line.split(' ')) : lines;
    const vocab: unknown = JSON.parse(clip['vocab.json']);
    const model = { ...golden.tokenizer_json.model, vocab, merges };
    const whole = loadTokenizer({
      'tokenizer.json': JSON.stringify({ ...golden.tokenizer_json, model }),
      'tokenizer_config.json': golden.files['tokenizer_config.json'],
    });
    const wrong = goldens.texts.filter((text, index) => withEnds(whole, text).join() !== golden.ids[index]!.join());
    expect(wrong).toEqual([]);
  });
});

describe.each(Object.entries(demo.tokenizers))("the demo model's %s", (name, golden) => {
  const folder = new URL(`../../../demo-model/model/${name}/`, import.meta.url);
  const file = (path: string) => readFileSync(new URL(path, folder), 'utf8');
  const files = Object.fromEntries(readdirSync(folder).map((path) => [path, file(path)]));
  expectGoldens(demo, golden, file('merges.txt'), loadTokenizer(files));
});

/** Tests that a tokenizer does what transformers' did. */
function expectGoldens(of: Goldens, golden: TokenizerGoldens, merges: string, tokenizer: ClipTokenizer): void {
  it('is the vocabulary the goldens were made with (else run tools/reference/tokenizer.py)', () => {
    expect(sha256(merges)).toBe(golden.merges_sha256);
    expect(of.texts).toHaveLength(2000);
    expect(new Set(of.texts).size).toBe(2000);
  });

  it('gives the ids of CLIPTokenizerFast for 2,000 strings', () => {
    const wrong = of.texts
      .map((text, index) => ({ text, got: withEnds(tokenizer, text), expected: golden.ids[index]! }))
      .filter(({ got, expected }) => got.join() !== expected.join());
    expect(wrong).toEqual([]);
  });

  it('pads like padding="max_length", and keeps in the first chunk what truncation would', () => {
    const wrong = golden.padded.filter((expected, index) => {
      const { chunks } = tokenizer.chunks(of.texts[index]!);
      const { ids } = chunks[0]!;
      // A word is kept whole in the next chunk, where truncation cuts it: compare up to there.
      const same = chunks.length === 1 ? expected.length : chunks[0]!.used - 1;
      return expected.slice(0, same).join() !== Array.from(ids.slice(0, same)).join();
    });
    expect(wrong).toEqual([]);
    expect(golden.padded).toHaveLength(100);
  });

  it('cuts nothing from long prompts', () => {
    let long = 0;
    of.texts.forEach((text, index) => {
      const { chunks, tokens, note } = tokenizer.chunks(text);
      const joined = chunks.flatMap((chunk) => Array.from(chunk.ids.slice(1, chunk.used - 1)));
      expect(joined).toEqual(golden.ids[index]!.slice(1, -1));
      expect(tokens).toBe(joined.length);
      expect(note !== undefined).toBe(tokens > 75);
      if (chunks.length > 1) long++;
    });
    expect(long).toBeGreaterThan(30);
  });

  it('gives the spans the reference gives, wherever composition changed nothing', () => {
    const wrong: unknown[] = [];
    let compared = 0;
    golden.spans.forEach((expected, index) => {
      const text = of.texts[index]!;
      if (text.normalize('NFC') !== text) return;
      compared++;
      const got = tokenizer.encode(text).map(({ start, end }) => [start, end]);
      if (JSON.stringify(got) !== JSON.stringify(expected)) wrong.push({ text, got, expected });
    });
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(300);
  });
}

function withEnds(tokenizer: ClipTokenizer, text: string): number[] {
  return [tokenizer.bosId, ...tokenizer.encode(text).map(({ id }) => id), tokenizer.eosId];
}
