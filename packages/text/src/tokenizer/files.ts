import { TokenizerError } from './errors.js';

/** The files of a tokenizer folder, as diffusers and transformers write it. */
export const TOKENIZER_FILE_NAMES = [
  'tokenizer.json',
  'vocab.json',
  'merges.txt',
  'tokenizer_config.json',
  'special_tokens_map.json',
] as const;

/** Name of one file of a tokenizer folder. */
export type TokenizerFileName = (typeof TOKENIZER_FILE_NAMES)[number];

/**
 * Text of a tokenizer folder's files by name. Needed: `tokenizer.json`, or `vocab.json` with `merges.txt`. The two
 * others say which special tokens there are, what pads, and how many tokens the encoder reads.
 */
export type TokenizerFiles = { readonly [name in TokenizerFileName]?: string | undefined };

/**
 * Reads whichever tokenizer files a folder has.
 *
 * @param read - Text of the file of that name, or nothing where there is none. Its errors pass through.
 */
export async function readTokenizerFiles(
  read: (name: TokenizerFileName) => Promise<string | undefined>,
): Promise<TokenizerFiles> {
  const entries = await Promise.all(TOKENIZER_FILE_NAMES.map(async (name) => [name, await read(name)] as const));
  return Object.fromEntries(entries.filter(([, text]) => text !== undefined));
}

/** A JSON object whose fields nobody has looked at yet. */
export type JsonObject = { readonly [key: string]: unknown };

/** True for `{…}`, not for arrays or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Array.isArray` without the `any` it lets in. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/**
 * Parses one file as a JSON object; nothing where the file is absent.
 *
 * @throws TokenizerError `tokenizer/malformed-file`.
 */
export function parseJsonFile(files: TokenizerFiles, name: TokenizerFileName): JsonObject | undefined {
  const text = files[name];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw malformed(name, 'JSON', String(cause instanceof Error ? cause.message : cause), { cause });
  }
  if (!isJsonObject(value)) throw malformed(name, 'a JSON object', Array.isArray(value) ? 'an array' : String(value));
  return value;
}

/** The error for a file that is not what its name says. */
export function malformed(
  name: TokenizerFileName,
  expected: string,
  got: string,
  options?: ErrorOptions,
): TokenizerError {
  return new TokenizerError(
    'tokenizer/malformed-file',
    `loadTokenizer: expected ${expected} in ${name}, got ${got}. Fetch the tokenizer folder again.`,
    options,
  );
}
