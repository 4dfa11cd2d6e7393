import { Tokenizer } from '@huggingface/tokenizers';
import { byteAlphabet } from './byte-alphabet.js';
import { layOut, shareOut, type ChunkFormat, type TokenChunk } from './chunks.js';
import { END_OF_WORD, readDefinition, type TokenizerDefinition } from './definition.js';
import { TokenizerError } from './errors.js';
import type { TokenizerFiles } from './files.js';
import { piecesOf, textOf, type Prompt, type Token } from './prompt.js';
import { spansOf, type Piece } from './spans.js';

/** A prompt ready for an encoder. */
export interface TokenizedPrompt {
  /** At least one. Encode each alone; join hidden states over the sequence; take the first one's pooled output. */
  readonly chunks: readonly TokenChunk[];
  /** Tokens of the prompt, begin, end and padding not counted. */
  readonly tokens: number;
  /** What the user should know: the prompt did not fit into one chunk. */
  readonly note?: string | undefined;
}

/** For a live counter: `62/77`, or `77/77 + 9/77`. */
export interface TokenCount {
  /** Tokens of the prompt, begin and end not counted. */
  readonly tokens: number;
  /** Places taken in each chunk, begin and end counted. */
  readonly chunks: readonly number[];
  /** Places of a chunk. */
  readonly maxLength: number;
}

/** Settings of {@link loadTokenizer}. */
export interface LoadTokenizerOptions {
  /** Places an encoder reads at once, if `tokenizer_config.json` is not to be believed. 77 where neither says. */
  readonly maxLength?: number | undefined;
}

/**
 * A CLIP tokenizer: ids equal to the Rust `tokenizers` library's, i.e. to transformers' `CLIPTokenizerFast` (and from
 * transformers 5 on to `CLIPTokenizer`). Make one with {@link loadTokenizer}.
 */
export class ClipTokenizer implements ChunkFormat {
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  readonly maxLength: number;
  /** One more than the largest id: rows the token embedding must have. */
  readonly vocabularySize: number;
  readonly #engine: Tokenizer;
  readonly #special: ReadonlySet<string>;
  /** Splits at the special tokens that are matched as written, the longest first, and keeps them. */
  readonly #asWritten: RegExp | undefined;
  readonly #asWrittenIds: ReadonlyMap<string, number>;
  readonly #byteOf: ReadonlyMap<string, number>;

  constructor(definition: TokenizerDefinition, maxLength: number) {
    const { json, vocabulary, special } = definition;
    this.bosId = special.bosId;
    this.eosId = special.eosId;
    this.padId = special.padId;
    this.maxLength = maxLength;
    const ids = [...vocabulary.values(), ...special.added.map(({ id }) => id)];
    this.vocabularySize = ids.reduce((a, b) => Math.max(a, b)) + 1;
    this.#engine = new Tokenizer(json, {});
    this.#special = new Set(special.added.map(({ content }) => content));
    this.#byteOf = byteAlphabet();
    const asWritten = special.added
      .filter(({ normalized }) => !normalized)
      .sort((a, b) => b.content.length - a.content.length);
    this.#asWrittenIds = new Map(asWritten.map(({ content, id }) => [content, id]));
    const pattern = asWritten.map(({ content }) => content.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)).join('|');
    this.#asWritten = pattern === '' ? undefined : new RegExp(`(${pattern})`);
  }

  /**
   * Tokens of a prompt, without begin, end or padding, and however many there are.
   *
   * @throws TokenizerError `tokenizer/invalid-prompt`.
   */
  encode(prompt: Prompt): Token[] {
    return this.#parts(prompt).flat();
  }

  /** Tokens between breaks: each list begins a chunk. */
  #parts(prompt: Prompt): Token[][] {
    let tokens: Token[] = [];
    const parts = [tokens];
    let offset = 0;
    for (const piece of piecesOf(prompt)) {
      if ('break' in piece) {
        parts.push((tokens = []));
        continue;
      }
      const weight = piece.weight ?? 1;
      if ('embedding' in piece) {
        for (let index = 0; index < piece.vectors; index++) {
          const endsWord = index === piece.vectors - 1;
          const injected = { embedding: piece.embedding, index };
          tokens.push({ id: 0, weight, start: offset, end: offset, endsWord, injected });
        }
      } else {
        for (const token of this.#encodeText(piece.text)) {
          tokens.push({ ...token, weight, start: token.start + offset, end: token.end + offset });
        }
        offset += piece.text.length;
      }
    }
    return parts;
  }

  #share(parts: readonly (readonly Token[])[]): Token[][] {
    return parts.flatMap((part) => shareOut(part, this.maxLength - 2));
  }

  /**
   * A prompt laid out for an encoder. One longer than a chunk goes on in further chunks, with a note; nothing is cut.
   *
   * @param options.atLeast - Adds empty chunks up to this many, to match another prompt or encoder.
   * @throws TokenizerError `tokenizer/invalid-prompt`.
   */
  chunks(prompt: Prompt, options: { readonly atLeast?: number | undefined } = {}): TokenizedPrompt {
    const asked = this.#parts(prompt);
    const tokens = asked.flat();
    const parts = this.#share(asked);
    const note =
      parts.length > asked.length ? longPromptNote(textOf(prompt), tokens.length, parts, this.maxLength) : undefined;
    while (parts.length < (options.atLeast ?? 1)) parts.push([]);
    return { chunks: parts.map((part) => layOut(part, this)), tokens: tokens.length, note };
  }

  /** Counts as {@link chunks} would share out. */
  count(prompt: Prompt): TokenCount {
    const parts = this.#parts(prompt);
    const chunks = this.#share(parts).map((part) => part.length + 2);
    return { tokens: parts.flat().length, chunks, maxLength: this.maxLength };
  }

  #encodeText(text: string): Omit<Token, 'weight'>[] {
    const tokens: Omit<Token, 'weight'>[] = [];
    let start = 0;
    for (const section of this.#asWritten ? text.split(this.#asWritten) : [text]) {
      const end = start + section.length;
      const id = this.#asWrittenIds.get(section);
      if (id !== undefined) tokens.push({ id, start, end, endsWord: true });
      else for (const token of this.#encodeSection(section, start)) tokens.push(token);
      start = end;
    }
    return tokens;
  }

  #encodeSection(text: string, offset: number): Omit<Token, 'weight'>[] {
    const { ids, tokens } = this.#engine.encode(text, { add_special_tokens: false });
    const pieces = tokens.map((token) => this.#piece(token));
    const spans = spansOf(text, pieces, (part) => this.#normalize(part));
    return ids.map((id, index) => {
      const { start, end } = spans[index]!;
      const endsWord = pieces[index]!.special || tokens[index]!.endsWith(END_OF_WORD);
      return { id, start: start + offset, end: end + offset, endsWord };
    });
  }

  #normalize(text: string): string {
    return this.#engine.normalizer?.normalize(text) ?? text;
  }

  #piece(token: string): Piece {
    if (this.#special.has(token)) {
      const letters = this.#normalize(token).replace(/\p{White_Space}/gu, '');
      return { special: true, bytes: new TextEncoder().encode(letters) };
    }
    const symbols = token.endsWith(END_OF_WORD) ? token.slice(0, -END_OF_WORD.length) : token;
    return { special: false, bytes: Uint8Array.from(symbols, (symbol) => this.#byteOf.get(symbol) ?? 0) };
  }
}

/**
 * Makes a tokenizer from the files of a model's `tokenizer` folder.
 *
 * @throws TokenizerError `tokenizer/missing-file`, `malformed-file`, `unknown-model` or `missing-token`.
 */
export function loadTokenizer(files: TokenizerFiles, options: LoadTokenizerOptions = {}): ClipTokenizer {
  const definition = readDefinition(files);
  const maxLength = options.maxLength ?? definition.maxLength ?? 77;
  if (!Number.isInteger(maxLength) || maxLength < 3) {
    throw new TokenizerError(
      'tokenizer/mismatch',
      `loadTokenizer: expected a maxLength of at least 3, got ${maxLength}. CLIP's text encoders read 77.`,
    );
  }
  return new ClipTokenizer(definition, maxLength);
}

function longPromptNote(text: string, tokens: number, parts: readonly (readonly Token[])[], maxLength: number): string {
  const starts = parts.slice(1, 4).map((part, index) => {
    const from = part[0]?.start ?? text.length;
    const words = text
      .slice(from, from + 60)
      .replace(/^[\s\p{P}]+/u, '')
      .trim()
      .split(/\s+/)
      .slice(0, 3)
      .join(' ');
    return `part ${index + 2} at "${words}"`;
  });
  if (parts.length > 4) starts.push('…');
  return (
    `The prompt has ${tokens} tokens and a text encoder reads ${maxLength - 2} at once: ` +
    `it is encoded in ${parts.length} parts, joined in order (${starts.join(', ')}).`
  );
}
