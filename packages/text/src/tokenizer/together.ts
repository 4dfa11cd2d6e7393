import type { ClipTokenizer, TokenizedPrompt } from './clip-tokenizer.js';
import { TokenizerError } from './errors.js';
import type { Prompt } from './prompt.js';

/**
 * Tokenizes several prompts (say prompt and negative) for several encoders with one number of chunks throughout, as
 * joining hidden states over features and over the guidance batch needs.
 *
 * @param prompts - The same for every tokenizer, or each one's, equally many.
 * @returns Indexed `[tokenizer][prompt]`.
 * @throws TokenizerError `tokenizer/mismatch` if the encoders read different lengths, `tokenizer/invalid-prompt`.
 */
export function tokenizeTogether(
  tokenizers: readonly ClipTokenizer[],
  prompts: readonly Prompt[] | ((tokenizer: number) => readonly Prompt[]),
): TokenizedPrompt[][] {
  const lengths = new Set(tokenizers.map(({ maxLength }) => maxLength));
  if (lengths.size > 1) {
    throw new TokenizerError(
      'tokenizer/mismatch',
      `tokenizeTogether: expected tokenizers of one length, got ${[...lengths].join(' and ')}. ` +
        'Load them with the same maxLength.',
    );
  }
  const rows = tokenizers.map((_, i) => (typeof prompts === 'function' ? prompts(i) : prompts));
  const alone = tokenizers.map((tokenizer, i) => rows[i]!.map((prompt) => tokenizer.chunks(prompt)));
  const atLeast = alone.flat().reduce((most, { chunks }) => Math.max(most, chunks.length), 1);
  return alone.map((row, i) =>
    row.map((prompt, j) =>
      prompt.chunks.length === atLeast ? prompt : tokenizers[i]!.chunks(rows[i]![j]!, { atLeast }),
    ),
  );
}
