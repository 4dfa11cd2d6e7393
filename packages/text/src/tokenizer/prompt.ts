import { TokenizerError } from './errors.js';

/** A stretch of prompt with a weight of its own. */
export interface TextPiece {
  readonly text: string;
  /** 1 where absent. Applied by the encoders, not here. */
  readonly weight?: number | undefined;
}

/** A place in the prompt for vectors that do not come from the vocabulary (a textual inversion). */
export interface EmbeddingPiece {
  /** Name by which the encoders are given the vectors. */
  readonly embedding: string;
  /** How many vectors, i.e. how many places it takes. */
  readonly vectors: number;
  /** 1 where absent. */
  readonly weight?: number | undefined;
}

/** What follows begins a new chunk, as `BREAK` does; what is left of the one before is padded. */
export interface BreakPiece {
  readonly break: true;
}

/** One part of a structured prompt. */
export type PromptPiece = TextPiece | EmbeddingPiece | BreakPiece;

/** A sentence, or pieces of one. A piece's words never join another's: `['sun', 'set']` is two words. */
export type Prompt = string | readonly PromptPiece[];

/** A vector of an {@link EmbeddingPiece}. */
export interface InjectedVector {
  readonly embedding: string;
  /** Which of its vectors, from 0. */
  readonly index: number;
}

/** One place in what an encoder reads. */
export interface Token {
  /** Row of the token embedding; 0 where a vector is injected instead. */
  readonly id: number;
  /** Of the piece it comes from. */
  readonly weight: number;
  /** Where in the prompt's text (its pieces' texts joined) it starts, in UTF-16 units… */
  readonly start: number;
  /** …and ends. Tokens of a letter split over several have the whole letter. */
  readonly end: number;
  /** False when the next token continues the same word. */
  readonly endsWord: boolean;
  /** Set where the vector does not come from the vocabulary. */
  readonly injected?: InjectedVector | undefined;
}

/**
 * A prompt as pieces, checked.
 *
 * @throws TokenizerError `tokenizer/invalid-prompt`.
 */
export function piecesOf(prompt: Prompt): readonly PromptPiece[] {
  if (typeof prompt === 'string') return [{ text: prompt }];
  if (!Array.isArray(prompt)) throw invalid('a string or a list of pieces', describe(prompt));
  const pieces = prompt as readonly PromptPiece[];
  for (const piece of pieces) {
    if (typeof piece !== 'object' || piece === null) throw invalid('pieces with text or an embedding', describe(piece));
    if ('break' in piece) continue;
    const weight = piece.weight ?? 1;
    if (typeof weight !== 'number' || !Number.isFinite(weight)) throw invalid('finite weights', describe(weight));
    if ('embedding' in piece) {
      const { embedding, vectors } = piece;
      if (typeof embedding !== 'string') throw invalid('an embedding name', describe(embedding));
      if (!Number.isInteger(vectors) || vectors < 1) {
        throw invalid(`a number of vectors of at least 1 for "${embedding}"`, describe(vectors));
      }
    } else if (typeof piece.text !== 'string') {
      throw invalid('text in every piece', describe(piece.text));
    }
  }
  return pieces;
}

/** The text of a prompt that {@link Token.start} and {@link Token.end} count in. */
export function textOf(prompt: Prompt): string {
  return piecesOf(prompt)
    .map((piece) => ('text' in piece ? piece.text : ''))
    .join('');
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
}

function invalid(expected: string, got: string): TokenizerError {
  return new TokenizerError(
    'tokenizer/invalid-prompt',
    `tokenizer: expected ${expected}, got ${got}. Give a string, or pieces like { text: 'a red', weight: 1.2 }.`,
  );
}
