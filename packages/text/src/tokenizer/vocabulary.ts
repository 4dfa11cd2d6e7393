import { isJsonObject, isList, malformed, type TokenizerFileName } from './files.js';

/** Token to id. */
export type Vocabulary = ReadonlyMap<string, number>;

/** Two symbols that become one; earlier pairs win. */
export type Merge = readonly [left: string, right: string];

/**
 * Checks a vocabulary: tokens to distinct non-negative whole ids.
 *
 * @throws TokenizerError `tokenizer/malformed-file`.
 */
export function checkVocabulary(value: unknown, file: TokenizerFileName): Vocabulary {
  if (!isJsonObject(value)) throw malformed(file, 'a vocabulary object', JSON.stringify(value) ?? 'nothing');
  const vocabulary = new Map<string, number>();
  const tokenOf = new Map<number, string>();
  for (const [token, id] of Object.entries(value)) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) {
      throw malformed(file, `a non-negative whole id for ${JSON.stringify(token)}`, JSON.stringify(id));
    }
    const other = tokenOf.get(id);
    if (other !== undefined) {
      throw malformed(file, 'an id of its own for each token', `${id} for ${JSON.stringify([other, token])}`);
    }
    tokenOf.set(id, token);
    vocabulary.set(token, id);
  }
  if (tokenOf.size === 0) throw malformed(file, 'a vocabulary', 'an empty one');
  return vocabulary;
}

/**
 * Reads `merges.txt`: a `#version` line, then one pair a line, best first.
 *
 * @throws TokenizerError `tokenizer/malformed-file`, with the line's number.
 */
export function parseMerges(text: string, vocabulary: Vocabulary): Merge[] {
  const merges: Merge[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    // Only the first line can be the header: "#" is a symbol like any other, and "#version" is not a pair.
    if (line === '' || (index === 0 && line.includes('#version:'))) return;
    merges.push(checkMerge(line.split(' '), vocabulary, 'merges.txt', `line ${index + 1}`));
  });
  return merges;
}

/**
 * Checks the merges of a `tokenizer.json`, which are pairs or strings with a space between.
 *
 * @throws TokenizerError `tokenizer/malformed-file`.
 */
export function checkMerges(value: unknown, vocabulary: Vocabulary): Merge[] {
  if (!isList(value)) throw malformed('tokenizer.json', 'model.merges', JSON.stringify(value) ?? 'nothing');
  return value.map((merge, index) => {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    return checkMerge(parts, vocabulary, 'tokenizer.json', `model.merges[${index}]`);
  });
}

function checkMerge(parts: unknown, vocabulary: Vocabulary, file: TokenizerFileName, where: string): Merge {
  const [left, right, ...more] = isList(parts) ? parts : [];
  if (typeof left !== 'string' || typeof right !== 'string' || !left || !right || more.length > 0) {
    throw malformed(file, `two symbols at ${where}`, JSON.stringify(parts));
  }
  // As the Rust library: a merge whose result has no id would turn known words into unknown ones.
  if (!vocabulary.has(left + right)) {
    throw malformed(file, `a merge into a token of the vocabulary at ${where}`, JSON.stringify(left + right));
  }
  return [left, right];
}
