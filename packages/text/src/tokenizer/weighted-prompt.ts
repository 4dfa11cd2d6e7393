import type { Prompt, PromptPiece } from './prompt.js';

/** Options of {@link parsePrompt}. */
export interface ParsePromptOptions {
  /** Embeddings that the prompt may name, and how many vectors each has; see {@link EmbeddingPiece}. */
  readonly embeddings?: ReadonlyMap<string, number> | undefined;
}

/** What a pair of round brackets multiplies by, where it names no number, and a pair of square ones divides by. */
const bracketFactor = 1.1;

/** An escaped character, a weight that closes a bracket, a bracket, or text. */
const lexemes = /\\[^]|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|[()[\]]|[^\\()[\]:]+|[^]/gu;

/** White space around the word goes with it. */
const breakWord = /\s*\bBREAK\b\s*/u;

interface Run {
  text: string;
  weight: number;
}

/**
 * Reads the notation of AUTOMATIC1111's web UI: `(word)` is 1.1 times as strong, `((word))` 1.21 times, `[word]` 1/1.1
 * times, `(word:1.3)` 1.3 times; `BREAK` begins a new chunk; `\(`, `\)`, `\[`, `\]` and `\\` are the characters
 * themselves. Brackets left open count to the end; one that closes nothing is text. Nested weights multiply.
 *
 * A prompt that uses none of it comes back as the string it is, so that it is encoded as ever. Prompt editing
 * (`[a:b:0.5]`) and alternation (`[a|b]`) change over the steps of a run and are not part of this: their brackets weigh,
 * and the rest is text.
 *
 * @returns A string, or pieces whose texts never join words.
 */
export function parsePrompt(text: string, options: ParsePromptOptions = {}): Prompt {
  const parts = weightedParts(text);
  const embeddings = options.embeddings ?? new Map<string, number>();
  const pieces: PromptPiece[] = [];
  parts.forEach((part, i) => {
    if (i > 0) pieces.push({ break: true });
    for (const run of part) pieces.push(...named(run, embeddings));
  });
  const [only] = pieces;
  if (pieces.length === 0) return '';
  return pieces.length === 1 && only && 'text' in only && (only.weight ?? 1) === 1 ? only.text : pieces;
}

/** Runs of one weight, for each stretch between `BREAK`s. */
function weightedParts(text: string): Run[][] {
  const parts: Run[][] = [[]];
  const all: Run[] = [];
  const open: { readonly bracket: string; readonly from: number }[] = [];
  const write = (piece: string): void => {
    if (piece === '') return;
    const run = { text: piece, weight: 1 };
    all.push(run);
    parts.at(-1)!.push(run);
  };
  const close = (factor: number): void => {
    const { from } = open.pop()!;
    for (const run of all.slice(from)) run.weight *= factor;
  };
  const lastOpen = (bracket: string): boolean => open.at(-1)?.bracket === bracket;
  for (const [lexeme, weight] of text.matchAll(lexemes)) {
    if (lexeme.length > 1 && lexeme.startsWith('\\')) write(/[()[\]\\]/.test(lexeme[1]!) ? lexeme.slice(1) : lexeme);
    else if (lexeme === '(' || lexeme === '[') open.push({ bracket: lexeme, from: all.length });
    else if (weight !== undefined && lastOpen('(')) close(Number(weight));
    else if (lexeme === ')' && lastOpen('(')) close(bracketFactor);
    else if (lexeme === ']' && lastOpen('[')) close(1 / bracketFactor);
    else {
      lexeme.split(breakWord).forEach((piece, i) => {
        if (i > 0) parts.push([]);
        write(piece);
      });
    }
  }
  while (open.length > 0) close(open.at(-1)!.bracket === '(' ? bracketFactor : 1 / bracketFactor);
  // A BREAK at the very end begins nothing.
  if (parts.length > 1 && parts.at(-1)!.length === 0) parts.pop();
  return parts.map(joined);
}

/** Neighbours of one weight are one text, as they were written. */
function joined(runs: readonly Run[]): Run[] {
  const out: Run[] = [];
  for (const { text, weight } of runs) {
    const last = out.at(-1);
    if (last && last.weight === weight) last.text += text;
    else out.push({ text, weight });
  }
  return out;
}

/** A run with the names of embeddings taken out of its text, whatever their case; the longest name wins. */
function named({ text, weight }: Run, embeddings: ReadonlyMap<string, number>): PromptPiece[] {
  const weighted = weight === 1 ? {} : { weight };
  if (embeddings.size === 0) return [{ text, ...weighted }];
  const names = [...embeddings.keys()].sort((a, b) => b.length - a.length);
  const byLower = new Map(names.map((name) => [name.toLowerCase(), name]));
  const escaped = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)).join('|');
  // Within a longer word a name is no name.
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(${escaped})(?![\\p{L}\\p{N}_])`, 'giu');
  return text.split(pattern).flatMap((section, i): PromptPiece[] => {
    const embedding = i % 2 === 1 ? byLower.get(section.toLowerCase()) : undefined;
    if (embedding !== undefined) return [{ embedding, vectors: embeddings.get(embedding)!, ...weighted }];
    return section.trim() === '' ? [] : [{ text: section, ...weighted }];
  });
}
