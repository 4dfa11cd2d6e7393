import { describe, expect, it } from 'vitest';
import {
  loadTokenizer,
  readTokenizerFiles,
  TokenizerError,
  type Prompt,
  type TokenizerErrorCode,
  type TokenizerFiles,
} from './index.js';

const vocabulary = { a: 0, b: 1, 'b</w>': 2, 'ab</w>': 3, '<|startoftext|>': 4, '<|endoftext|>': 5 };
const good: TokenizerFiles = { 'vocab.json': JSON.stringify(vocabulary), 'merges.txt': '#version: 0.2\na b</w>\n' };
const whole = (model: object) => ({ 'tokenizer.json': JSON.stringify({ added_tokens: [], model }) });
const bpe = { type: 'BPE', end_of_word_suffix: '</w>', vocab: vocabulary, merges: [['a', 'b</w>']] };

function expectError(act: () => unknown, code: TokenizerErrorCode, message: RegExp): void {
  let error: unknown;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(TokenizerError);
  expect(error).toMatchObject({ code, name: 'TokenizerError', [Symbol.for('pleinair.error')]: true });
  expect(String(error)).toMatch(message);
}

describe('loadTokenizer', () => {
  it('loads the good files the bad ones below are made from', () => {
    expect(
      loadTokenizer(good)
        .encode('ab')
        .map(({ id }) => id),
    ).toEqual([3]);
    expect(
      loadTokenizer(whole(bpe))
        .encode('ab')
        .map(({ id }) => id),
    ).toEqual([3]);
    expect(loadTokenizer({ ...good, 'vocab.json': `\uFEFF${good['vocab.json']}` }).padId).toBe(5);
  });

  it.each<[string, TokenizerFiles, TokenizerErrorCode, RegExp]>([
    [
      'no files',
      {},
      'tokenizer/missing-file',
      /expected tokenizer\.json, or vocab\.json with merges\.txt, got no files/,
    ],
    ['no merges', { 'vocab.json': good['vocab.json'] }, 'tokenizer/missing-file', /got vocab\.json/],
    ['no vocabulary', { 'merges.txt': 'a b' }, 'tokenizer/missing-file', /got merges\.txt/],
    ['cut JSON', { ...good, 'vocab.json': '{"a": 0' }, 'tokenizer/malformed-file', /expected JSON in vocab\.json/],
    ['an HTML page', { 'tokenizer.json': '<!doctype html>' }, 'tokenizer/malformed-file', /JSON in tokenizer\.json/],
    [
      'a list',
      { ...good, 'vocab.json': '["a"]' },
      'tokenizer/malformed-file',
      /a JSON object in vocab\.json, got an array/,
    ],
    ['an empty vocabulary', { ...good, 'vocab.json': '{}' }, 'tokenizer/malformed-file', /an empty one/],
    [
      'a fractional id',
      { ...good, 'vocab.json': '{"a": 0.5}' },
      'tokenizer/malformed-file',
      /whole id for "a".*got 0\.5/,
    ],
    ['a shared id', { ...good, 'vocab.json': '{"a": 0, "b": 0}' }, 'tokenizer/malformed-file', /got 0 for \["a","b"\]/],
    [
      'a merge of three',
      { ...good, 'merges.txt': 'a b</w>\na b c\n' },
      'tokenizer/malformed-file',
      /two symbols at line 2/,
    ],
    [
      'a merge of one',
      { ...good, 'merges.txt': '#version: 0.2\nab\n' },
      'tokenizer/malformed-file',
      /line 2.*got \["ab"\]/,
    ],
    ['an unknown merge', { ...good, 'merges.txt': 'b a\n' }, 'tokenizer/malformed-file', /line 1.*got "ba"/],
    ['no model', { 'tokenizer.json': '{}' }, 'tokenizer/malformed-file', /expected a model/],
    ['no merges in it', whole({ ...bpe, merges: undefined }), 'tokenizer/malformed-file', /model\.merges/],
    [
      'a bad merge in it',
      whole({ ...bpe, merges: ['a b</w>', 'a'] }),
      'tokenizer/malformed-file',
      /model\.merges\[1\]/,
    ],
    ['a Unigram model', whole({ type: 'Unigram', vocab: [] }), 'tokenizer/unknown-model', /got "Unigram"/],
    ['GPT-2', whole({ ...bpe, end_of_word_suffix: null }), 'tokenizer/unknown-model', /"<\/w>" at the end of words/],
    [
      'RoBERTa',
      { ...good, 'tokenizer_config.json': '{"tokenizer_class": "RobertaTokenizer"}' },
      'tokenizer/unknown-model',
      /got RobertaTokenizer/,
    ],
    [
      'a strange pad token',
      { ...good, 'special_tokens_map.json': '{"pad_token": "<pad>"}' },
      'tokenizer/missing-token',
      /the pad_token in the vocabulary, got no id for "<pad>"/,
    ],
    [
      'no end token',
      { ...good, 'vocab.json': '{"a": 0, "b</w>": 1, "ab</w>": 2}' },
      'tokenizer/missing-token',
      /bos_token/,
    ],
  ])('explains %s', (_, files, code, message) => {
    expectError(() => loadTokenizer(files), code, message);
  });

  it('refuses a length without room for begin, a token and end', () => {
    expectError(() => loadTokenizer(good, { maxLength: 2 }), 'tokenizer/mismatch', /at least 3, got 2/);
  });
});

describe('prompts', () => {
  const bad: [Prompt, RegExp][] = [
    // @ts-expect-error wrong on purpose, as JavaScript callers may be
    [undefined, /a string or a list of pieces, got undefined/],
    // @ts-expect-error wrong on purpose
    [[undefined], /pieces with text or an embedding/],
    // @ts-expect-error wrong on purpose
    [[{ text: 3 }], /text in every piece, got 3/],
    [[{ text: 'a', weight: Number.NaN }], /finite weights, got NaN/],
    [[{ embedding: 'dog', vectors: 0 }], /at least 1 for "dog", got 0/],
    // @ts-expect-error wrong on purpose
    [[{ embedding: 7, vectors: 1 }], /an embedding name, got 7/],
  ];

  it.each(bad)('refuses %j', (prompt, message) => {
    expectError(() => loadTokenizer(good).encode(prompt), 'tokenizer/invalid-prompt', message);
  });
});

describe('readTokenizerFiles', () => {
  it('keeps what there is and passes errors on', async () => {
    const files = await readTokenizerFiles(async (name) => good[name]);
    expect(files).toEqual(good);
    await expect(readTokenizerFiles(() => Promise.reject(new Error('offline')))).rejects.toThrow('offline');
  });
});
