import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { byteAlphabet } from '../src/tokenizer/byte-alphabet.js';
import type { TokenizerFiles } from '../src/tokenizer/index.js';

/** What `tools/reference/tokenizer.py` recorded. */
export interface Goldens {
  readonly texts: readonly string[];
  readonly tokenizers: { readonly [name: string]: TokenizerGoldens };
}

/** Results of one of a model's tokenizers. */
export interface TokenizerGoldens {
  readonly merges_sha256: string;
  readonly files: TokenizerFiles;
  /** The `tokenizer.json` transformers would save, without `model.vocab` and `model.merges`. */
  readonly tokenizer_json: { readonly model: object };
  /** Ids of each text, begin and end included, however many. */
  readonly ids: readonly (readonly number[])[];
  /** Ids of the first 100 texts, padded or cut to 77. */
  readonly padded: readonly (readonly number[])[];
  /** Spans of the tokens of the first 400 texts. */
  readonly spans: readonly (readonly (readonly [number, number])[])[];
}

const read = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

/** Reads `fixtures/<name>.json.gz`. */
export function readGoldens(name: string): Goldens {
  const goldens: Goldens = JSON.parse(gunzipSync(read(`${name}.json.gz`)).toString('utf8'));
  return goldens;
}

/** SHA-256 of a text's UTF-8, to tell whether goldens belong to it. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The real CLIP vocabulary, made from its merges as OpenAI's simple_tokenizer.py does. */
export function clipFiles(): { 'vocab.json': string; 'merges.txt': string } {
  const merges = gunzipSync(read('clip-merges.txt.gz')).toString('utf8');
  const pairs = merges.trim().split('\n').slice(1);
  // Printable bytes come first, then the moved ones.
  const symbols = [...byteAlphabet().keys()].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const tokens = [
    ...symbols,
    ...symbols.map((symbol) => `${symbol}</w>`),
    ...pairs.map((pair) => pair.replace(' ', '')),
  ];
  tokens.push('<|startoftext|>', '<|endoftext|>');
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  return { 'vocab.json': JSON.stringify(vocabulary), 'merges.txt': merges };
}
