/**
 * What `@huggingface/tokenizers` is given: a `tokenizer.json`, or one made from `vocab.json` and `merges.txt`, changed
 * in the three places where that library and the Rust one (the reference) part ways:
 *
 * - Rust lower-cases code point by code point; `toLowerCase` turns a word's last Σ into ς. So Σ becomes σ beforehand.
 * - The word pattern inside ByteLevel uses `\s`, which in JavaScript has U+FEFF and lacks U+0085. The library rewrites
 *   `\s` for patterns in the file only, so ByteLevel's pattern is written out as a Split in front of it.
 * - Tokens to be matched as written are also found where a stretch of text between other tokens becomes one of them by
 *   lower-casing. They are left out here, and `ClipTokenizer` splits the text at them before the library sees it.
 */
import { TokenizerError } from './errors.js';
import { isJsonObject, isList, malformed, parseJsonFile, type JsonObject, type TokenizerFiles } from './files.js';
import { resolveSpecialTokens, type AddedToken, type SpecialTokens } from './special-tokens.js';
import { checkMerges, checkVocabulary, parseMerges, type Merge, type Vocabulary } from './vocabulary.js';

/** Marks the last piece of a word in every CLIP vocabulary. */
export const END_OF_WORD = '</w>';

/** A tokenizer read, checked, and ready for the library. */
export interface TokenizerDefinition {
  /** In the form of `tokenizer.json`. */
  readonly json: JsonObject;
  readonly vocabulary: Vocabulary;
  readonly special: SpecialTokens;
  /** `model_max_length`, where the files give a usable one. */
  readonly maxLength: number | undefined;
}

// CLIPConverter in transformers' convert_slow_tokenizer.py, i.e. OpenAI's simple_tokenizer.py.
const clipWords = String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;
// GPT-2's, which ByteLevel applies unless told not to.
const byteLevelWords = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

const clipNormalizer: JsonObject = {
  type: 'Sequence',
  normalizers: [
    { type: 'NFC' },
    { type: 'Replace', pattern: { Regex: String.raw`\s+` }, content: ' ' },
    { type: 'Lowercase' },
  ],
};

const clipPreTokenizer: JsonObject = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: clipWords }, behavior: 'Removed', invert: true },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  ],
};

/**
 * Reads and checks a tokenizer folder. `tokenizer.json` is preferred, as by the reference.
 *
 * @throws TokenizerError `tokenizer/missing-file`, `malformed-file`, `unknown-model` or `missing-token`.
 */
export function readDefinition(files: TokenizerFiles): TokenizerDefinition {
  const config = parseJsonFile(files, 'tokenizer_config.json') ?? {};
  const map = parseJsonFile(files, 'special_tokens_map.json') ?? {};
  const whole = parseJsonFile(files, 'tokenizer.json');
  const model = whole ? modelOfFile(whole) : modelOfVocabulary(files, config);
  const known = whole ? addedTokensOf(whole) : [];
  const special = resolveSpecialTokens(model.vocabulary, known, config, map);
  return {
    json: {
      version: '1.0',
      added_tokens: special.added.filter(({ normalized }) => normalized),
      normalizer: normalizerLikeRust(whole ? whole.normalizer : clipNormalizer),
      pre_tokenizer: preTokenizerLikeRust(whole ? whole.pre_tokenizer : clipPreTokenizer),
      post_processor: null, // begin, end and padding are ours to place, chunk by chunk
      decoder: null,
      model: {
        type: 'BPE',
        unk_token: special.unk,
        continuing_subword_prefix: '',
        end_of_word_suffix: END_OF_WORD,
        fuse_unk: false,
        ...model.options,
        vocab: Object.fromEntries(model.vocabulary),
        merges: model.merges,
      },
    },
    vocabulary: model.vocabulary,
    special,
    maxLength: usableLength(config.model_max_length),
  };
}

interface Model {
  readonly vocabulary: Vocabulary;
  readonly merges: readonly Merge[];
  readonly options: JsonObject;
}

function modelOfFile(whole: JsonObject): Model {
  const model = whole.model;
  if (!isJsonObject(model)) throw malformed('tokenizer.json', 'a model', JSON.stringify(model) ?? 'none');
  // Early files leave out the type; only byte pairs have merges.
  const type = model.type ?? (Object.hasOwn(model, 'merges') ? 'BPE' : 'none');
  if (type !== 'BPE') throw unknownModel('byte pairs (BPE) in tokenizer.json', JSON.stringify(type));
  if (model.end_of_word_suffix !== END_OF_WORD) {
    throw unknownModel(`"${END_OF_WORD}" at the end of words`, JSON.stringify(model.end_of_word_suffix ?? null));
  }
  const vocabulary = checkVocabulary(model.vocab, 'tokenizer.json');
  return { vocabulary, merges: checkMerges(model.merges, vocabulary), options: model };
}

function modelOfVocabulary(files: TokenizerFiles, config: JsonObject): Model {
  const type = config.tokenizer_class;
  if (typeof type === 'string' && !/^(CLIPTokenizer(Fast)?|TokenizersBackend|PreTrainedTokenizerFast)$/.test(type)) {
    throw unknownModel('CLIPTokenizer in tokenizer_config.json', type);
  }
  const vocab = parseJsonFile(files, 'vocab.json');
  if (!vocab || files['merges.txt'] === undefined) {
    throw new TokenizerError(
      'tokenizer/missing-file',
      `loadTokenizer: expected tokenizer.json, or vocab.json with merges.txt, got ${Object.keys(files).join(', ') || 'no files'}. ` +
        'Give the files of the model\'s "tokenizer" folder.',
    );
  }
  const vocabulary = checkVocabulary(vocab, 'vocab.json');
  return { vocabulary, merges: parseMerges(files['merges.txt'], vocabulary), options: {} };
}

function unknownModel(expected: string, got: string): TokenizerError {
  return new TokenizerError(
    'tokenizer/unknown-model',
    `loadTokenizer: expected a CLIP tokenizer, with ${expected}, got ${got}. ` +
      'Stable Diffusion 1, 2 and XL have CLIP tokenizers; others are not supported.',
  );
}

function addedTokensOf(whole: JsonObject): AddedToken[] {
  const tokens = whole.added_tokens ?? [];
  if (!isList(tokens)) throw malformed('tokenizer.json', 'a list of added_tokens', JSON.stringify(tokens));
  return tokens.map((token) => {
    if (!isJsonObject(token) || typeof token.content !== 'string' || typeof token.id !== 'number') {
      throw malformed('tokenizer.json', 'added tokens with id and content', JSON.stringify(token));
    }
    const special = token.special === true;
    return {
      id: token.id,
      content: token.content,
      normalized: typeof token.normalized === 'boolean' ? token.normalized : !special,
      special,
    };
  });
}

function normalizerLikeRust(normalizer: unknown): JsonObject | null {
  if (!isJsonObject(normalizer)) return null;
  if (normalizer.type === 'Sequence' && isList(normalizer.normalizers)) {
    return { ...normalizer, normalizers: normalizer.normalizers.map(normalizerLikeRust) };
  }
  if (normalizer.type !== 'Lowercase') return normalizer;
  const sigma = { type: 'Replace', pattern: { String: '\u03A3' }, content: '\u03C3' };
  return { type: 'Sequence', normalizers: [sigma, normalizer] };
}

function preTokenizerLikeRust(preTokenizer: unknown): JsonObject | null {
  if (!isJsonObject(preTokenizer)) return null;
  if (preTokenizer.type === 'Sequence' && isList(preTokenizer.pretokenizers)) {
    return { ...preTokenizer, pretokenizers: preTokenizer.pretokenizers.map(preTokenizerLikeRust) };
  }
  // With a space to put in front the pattern runs after it; no CLIP tokenizer asks for that, so leave it be.
  if (preTokenizer.type !== 'ByteLevel' || preTokenizer.use_regex === false || preTokenizer.add_prefix_space === true) {
    return preTokenizer;
  }
  const words = { type: 'Split', pattern: { Regex: byteLevelWords }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [words, { ...preTokenizer, use_regex: false }] };
}

/** transformers writes 10³⁰ for "no limit known". */
function usableLength(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 2 && value < 1e6 ? value : undefined;
}
