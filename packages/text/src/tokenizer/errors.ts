/**
 * The tokenizer's typed error. It is declared here, not taken from the tensor core, so that `@pleinair/text/tokenizer`
 * loads nothing of the GPU side; the shared symbol makes `isPleinairError` recognise it like any other.
 */
const brand = Symbol.for('pleinair.error');

/** What went wrong, stable across versions. */
export type TokenizerErrorCode =
  /** No vocabulary among the files. */
  | 'tokenizer/missing-file'
  /** A file that is not what its name says. */
  | 'tokenizer/malformed-file'
  /** A tokenizer of another family (T5, BERT, …). */
  | 'tokenizer/unknown-model'
  /** A special token that has no id in the vocabulary. */
  | 'tokenizer/missing-token'
  /** A prompt, weight or embedding that cannot be tokenized. */
  | 'tokenizer/invalid-prompt'
  /** Tokenizers that cannot be used together. */
  | 'tokenizer/mismatch';

/** Thrown by everything in this module; `message` reads `where: expected X, got Y. What to do.` */
export class TokenizerError extends Error {
  /** Stable identifier to switch on. */
  readonly code: TokenizerErrorCode;
  /** Makes `isPleinairError` true, whichever copy of the package threw it. */
  readonly [brand] = true;

  constructor(code: TokenizerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TokenizerError';
    this.code = code;
  }
}
