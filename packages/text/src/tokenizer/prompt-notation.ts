import { piecesOf, type Prompt } from './prompt.js';

/**
 * A prompt as a sentence that `parsePrompt` reads as the same: brackets of its texts escaped, weights and breaks written
 * out, embeddings by name.
 *
 * @throws TokenizerError `tokenizer/invalid-prompt`.
 */
export function promptNotation(prompt: Prompt): string {
  const pieces = piecesOf(prompt);
  const last = pieces.at(-1);
  const written = pieces.map((piece) => {
    if ('break' in piece) return ' BREAK ';
    const text = 'text' in piece ? piece.text.replace(/[()[\]]|\\(?=[()[\]\\])/g, String.raw`\$&`) : piece.embedding;
    const { weight = 1 } = piece;
    return weight === 1 ? text : `(${text}:${plainNumber(weight)})`;
  });
  // A last BREAK begins nothing.
  return written.join('') + (last && 'break' in last ? 'BREAK' : '');
}

/** Without an exponent, which the notation does not have. */
function plainNumber(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(12) : text;
}
