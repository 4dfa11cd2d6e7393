import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipFiles, readGoldens } from '../../test/goldens.js';
import { loadTokenizer, tokenizeTogether, type Prompt, type TokenizerFiles } from './index.js';

const clip = clipFiles();
const { tokenizers } = readGoldens('clip-ids');
const first = loadTokenizer({ ...clip, ...tokenizers.tokenizer!.files });
const second = loadTokenizer({ ...clip, ...tokenizers.tokenizer_2!.files });

/** A vocabulary of 16 tokens that lacks most bytes. */
const tiny: TokenizerFiles = {
  'vocab.json': JSON.stringify(
    Object.fromEntries(
      [
        'l',
        'o',
        'w',
        'e',
        'r',
        's',
        '</w>',
        'w</w>',
        'r</w>',
        'lo',
        'low</w>',
        'er</w>',
        '<unk>',
        '<b>',
        '<e>',
        's</w>',
      ].map((token, id) => [token, id]),
    ),
  ),
  'merges.txt': 'l o\nlo w</w>\r\ne r</w>\n',
  'special_tokens_map.json': JSON.stringify({
    bos_token: '<b>',
    eos_token: '<e>',
    unk_token: '<unk>',
    pad_token: '<e>',
  }),
};

describe('encode', () => {
  it('reads special tokens and length from the files', () => {
    expect(first).toMatchObject({ bosId: 49406, eosId: 49407, padId: 49407, maxLength: 77, vocabularySize: 49408 });
    expect(second).toMatchObject({ bosId: 49406, eosId: 49407, padId: 0, maxLength: 77, vocabularySize: 49408 });
    expect(loadTokenizer(tiny)).toMatchObject({ bosId: 13, eosId: 14, padId: 14, maxLength: 77, vocabularySize: 16 });
  });

  it('lets special_tokens_map.json win, unless tokenizer_config.json lists its added tokens', () => {
    const map = JSON.stringify({ pad_token: '!' });
    const plain = JSON.stringify({ pad_token: '<|endoftext|>' });
    const listing = JSON.stringify({ pad_token: '<|endoftext|>', added_tokens_decoder: {} });
    const padOf = (config: string) =>
      loadTokenizer({ ...clip, 'tokenizer_config.json': config, 'special_tokens_map.json': map }).padId;
    expect(padOf(plain)).toBe(0);
    expect(padOf(listing)).toBe(49407);
  });

  it('takes any text: unknown symbols, lone surrogates, nothing', () => {
    const tokenizer = loadTokenizer(tiny);
    const text = 'lower xé slow';
    expect(tokenizer.encode(text).map(({ id, start, end }) => [id, text.slice(start, end)])).toEqual([
      [9, 'lo'],
      [2, 'w'],
      [11, 'er'],
      [12, 'x'],
      [12, 'é'],
      [12, 'é'],
      [5, 's'],
      [10, 'low'],
    ]);
    expect(first.encode('')).toEqual([]);
    expect(first.encode('\ud83d').map(({ id }) => id)).toEqual(first.encode('\ufffd').map(({ id }) => id));
  });

  it('gives every token a span inside the text, in order, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        let last = 0;
        for (const { start, end } of second.encode(text)) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(text.length);
          last = start;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('maps composed letters to all of their source', () => {
    const text = 'cafe\u0301 \u1100\u1161\u11a8 İ';
    const spans = new Set(first.encode(text).map(({ start, end }) => text.slice(start, end)));
    expect([...spans]).toEqual(['cafe\u0301', '\u1100\u1161\u11a8', 'İ']);
  });
});

describe('chunks', () => {
  it('lays out begin, tokens, end and padding', () => {
    const { chunks, tokens, note } = second.chunks('a cat');
    expect(chunks).toHaveLength(1);
    expect([...chunks[0]!.ids]).toEqual([49406, 320, 2368, 49407, ...Array<number>(73).fill(0)]);
    expect([...chunks[0]!.weights]).toEqual(Array<number>(77).fill(1));
    expect(chunks[0]).toMatchObject({ endPosition: 3, used: 4, injected: [] });
    expect({ tokens, note }).toEqual({ tokens: 2, note: undefined });
  });

  it('takes the pooled output at the first end token, even one spelled out', () => {
    expect(first.chunks('a <|endoftext|> cat').chunks[0]!.endPosition).toBe(2);
  });

  it('fits 75 tokens into one chunk and 76 into two, with a note', () => {
    const exact = first.chunks('cat '.repeat(75));
    expect(exact.chunks.map(({ used }) => used)).toEqual([77]);
    expect(exact.note).toBeUndefined();
    const over = first.chunks(`${'cat '.repeat(75)} wooden bridge`);
    expect(over.chunks.map(({ used }) => used)).toEqual([77, 4]);
    expect(over.note).toBe(
      'The prompt has 77 tokens and a text encoder reads 75 at once: ' +
        'it is encoded in 2 parts, joined in order (part 2 at "wooden bridge").',
    );
  });

  it('keeps words whole where they fit', () => {
    // "ukiyo" is two tokens: the first alone would fit into the first chunk.
    expect(first.encode('ukiyo')).toHaveLength(2);
    const { chunks } = first.chunks(`${'cat '.repeat(74)}ukiyo`);
    expect(chunks.map(({ used }) => used)).toEqual([76, 4]);
    const endless = first.chunks(`cat ${'zq'.repeat(200)}`);
    expect(endless.chunks[0]!.used).toBe(77);
    expect(endless.tokens).toBe(endless.chunks.reduce((sum, { used }) => sum + used - 2, 0));
  });

  it('drops and reorders nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('cat', 'ukiyo', ', ', '!!', 'pneumono', ' ', '日本', '🚀🚀'), { maxLength: 200 }),
        (words) => {
          const text = words.join(' ');
          const { chunks } = first.chunks(text);
          const joined = chunks.flatMap(({ ids, used }) => Array.from(ids.slice(1, used - 1)));
          expect(joined).toEqual(first.encode(text).map(({ id }) => id));
          for (const chunk of chunks) expect(chunk.ids[chunk.used - 1]).toBe(first.eosId);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('carries weights and injected vectors to their places', () => {
    const prompt: Prompt = [
      { text: 'a photo of ' },
      { embedding: 'my-dog', vectors: 3, weight: 0.5 },
      { text: ' in snow', weight: 1.25 },
    ];
    const { chunks, tokens } = first.chunks(prompt);
    const [{ ids, weights, injected, endPosition }] = [chunks[0]!];
    expect(tokens).toBe(8);
    expect(Array.from(ids.slice(0, 10))).toEqual([49406, 320, 1125, 539, 0, 0, 0, 530, 2583, 49407]);
    expect(Array.from(weights.slice(0, 10))).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 1.25, 1.25, 1]);
    expect(injected).toEqual([0, 1, 2].map((index) => ({ position: 4 + index, embedding: 'my-dog', index })));
    expect(endPosition).toBe(9);
    expect(first.encode(prompt).at(-1)).toMatchObject({ start: 15, end: 19 });
  });

  it('keeps the vectors of an embedding in one chunk', () => {
    const prompt = [{ text: 'cat '.repeat(74) }, { embedding: 'style', vectors: 4 }];
    const { chunks } = first.chunks(prompt);
    expect(chunks.map(({ used }) => used)).toEqual([76, 6]);
    expect(chunks[1]!.injected.map(({ position }) => position)).toEqual([1, 2, 3, 4]);
  });

  it('reads other lengths', () => {
    const short = loadTokenizer({ ...clip, ...tokenizers.tokenizer!.files }, { maxLength: 8 });
    expect(short.chunks('cat '.repeat(7)).chunks.map(({ ids, used }) => [ids.length, used])).toEqual([
      [8, 8],
      [8, 3],
    ]);
  });

  it('takes a book', { timeout: 60_000 }, () => {
    const { chunks, tokens, note } = first.chunks('lorem ipsum dolor '.repeat(20_000));
    expect(tokens).toBe(chunks.reduce((sum, { used }) => sum + used - 2, 0));
    expect(note).toMatch(/…\)\.$/);
    expect(first.count('x'.repeat(100_000)).chunks.length).toBeGreaterThan(100);
  });
});

describe('count', () => {
  it('counts places by chunk, as chunks() shares out', () => {
    expect(first.count('')).toEqual({ tokens: 0, chunks: [2], maxLength: 77 });
    expect(first.count('a cat')).toEqual({ tokens: 2, chunks: [4], maxLength: 77 });
    expect(first.count('cat '.repeat(100))).toEqual({ tokens: 100, chunks: [77, 27], maxLength: 77 });
  });
});

describe('tokenizeTogether', () => {
  it('gives prompt and negative of both encoders one number of chunks', () => {
    // "!!!…" is a few tokens for the first tokenizer, and one for each "!" for the second, which pads with it.
    const together = tokenizeTogether([first, second], ['!'.repeat(160), '']);
    expect(together.map((row) => row.map(({ chunks }) => chunks.length))).toEqual([
      [3, 3],
      [3, 3],
    ]);
    expect(together[1]![0]!.note).toMatch(/160 tokens/);
    expect(together[0]![0]!.note).toBeUndefined();
    expect([...together[0]![1]!.chunks[2]!.ids]).toEqual([49406, ...Array<number>(76).fill(49407)]);
    expect(together[1]![1]!.chunks[2]).toMatchObject({ endPosition: 1, used: 2 });
  });

  it('refuses encoders of different lengths', () => {
    const short = loadTokenizer(tiny, { maxLength: 8 });
    expect(() => tokenizeTogether([first, short], ['a'])).toThrow(/one length, got 77 and 8/);
  });
});
