import { TokenizerError } from './errors.js';
import { isJsonObject, isList, type JsonObject } from './files.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * A token matched as a whole in the text, before words are looked for. Field names are `tokenizer.json`'s. It can also
 * say `lstrip` and `rstrip`, which change nothing where white space is dropped anyway, and `single_word`, which no CLIP
 * tokenizer uses.
 */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Matched in the normalised (lower-case) text, or as written. */
  readonly normalized: boolean;
  readonly special: boolean;
}

/** The special tokens of a tokenizer. */
export interface SpecialTokens {
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  /** What stands for symbols without an id. */
  readonly unk: string;
  /** Every token matched as a whole. */
  readonly added: readonly AddedToken[];
}

type Role = 'bos_token' | 'eos_token' | 'unk_token' | 'pad_token';

/** CLIP's own, where no file says otherwise (transformers, `models/clip/tokenization_clip.py`). */
const defaults: Readonly<Record<Role, string>> = {
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  unk_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
};

/**
 * Finds the special tokens as transformers 4.57 does: `tokenizer_config.json` alone when it lists its added tokens;
 * else `special_tokens_map.json` first. What they say about a token already in `tokenizer.json` does not change it.
 *
 * @param known - Added tokens of `tokenizer.json`.
 * @throws TokenizerError `tokenizer/missing-token`.
 */
export function resolveSpecialTokens(
  vocabulary: Vocabulary,
  known: readonly AddedToken[],
  config: JsonObject = {},
  map: JsonObject = {},
): SpecialTokens {
  const listed = isJsonObject(config.added_tokens_decoder) ? config.added_tokens_decoder : undefined;
  const sources = listed ? [config] : [map, config];
  const added = new Map(known.map((token) => [token.content, token]));
  let nextId = 1 + [...vocabulary.values()].reduce((a, b) => Math.max(a, b), -1);
  for (const { id } of known) nextId = Math.max(nextId, id + 1);

  const add = (entry: unknown, defaultNormalized: boolean, listedId?: number) => {
    const content = contentOf(entry);
    if (content === undefined || added.has(content)) return;
    const fields: JsonObject = isJsonObject(entry) ? entry : {};
    added.set(content, {
      id: listedId ?? vocabulary.get(content) ?? nextId++,
      content,
      normalized: typeof fields.normalized === 'boolean' ? fields.normalized : defaultNormalized,
      special: true,
    });
  };

  for (const [id, entry] of Object.entries(listed ?? {})) add(entry, true, Number(id));

  const chosen = (role: Role) => {
    const entry = sources.map((source) => source[role]).find((value) => contentOf(value) !== undefined);
    return entry ?? defaults[role];
  };
  // A plain string counts as normalised for these three, and as written for padding: so CLIPTokenizer wraps them.
  for (const role of ['bos_token', 'eos_token', 'unk_token'] as const) add(chosen(role), true);
  add(chosen('pad_token'), false);
  for (const source of sources) {
    const more = source.additional_special_tokens;
    if (isList(more)) for (const entry of more) add(entry, false);
  }

  const idOf = (role: Role): number => {
    const content = contentOf(chosen(role))!;
    const inFiles = known.find((token) => token.content === content)?.id ?? listedIdOf(listed, content);
    const id = inFiles ?? vocabulary.get(content);
    if (id !== undefined) return id;
    throw new TokenizerError(
      'tokenizer/missing-token',
      `loadTokenizer: expected the ${role} in the vocabulary, got no id for ${JSON.stringify(content)}. ` +
        'Check that tokenizer_config.json and the vocabulary come from one model.',
    );
  };
  const ids = { bosId: idOf('bos_token'), eosId: idOf('eos_token'), padId: idOf('pad_token') };
  idOf('unk_token');
  return { ...ids, unk: contentOf(chosen('unk_token'))!, added: [...added.values()] };
}

/** Text of a token given as a string or as an object with `content`. */
function contentOf(entry: unknown): string | undefined {
  const content = isJsonObject(entry) ? entry.content : entry;
  return typeof content === 'string' && content !== '' ? content : undefined;
}

function listedIdOf(listed: JsonObject | undefined, content: string): number | undefined {
  const found = Object.entries(listed ?? {}).find(([, entry]) => contentOf(entry) === content);
  return found && Number(found[0]);
}
