/**
 * Where in the text each token comes from. The library gives tokens without positions, so the text and the tokens are
 * walked side by side: both consist of the same normalised characters, except that the text has white space besides.
 */

/** A token as the library returns it, made readable. */
export interface Piece {
  /** UTF-8 of the normalised characters it covers; for a token matched as a whole, its text without white space. */
  readonly bytes: Uint8Array;
  /** A token matched as a whole, or the unknown token standing for one byte. */
  readonly special: boolean;
}

/** A stretch of text in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Letter extends Span {
  readonly bytes: Uint8Array;
}

/**
 * Finds the span of every piece. Pieces that cover part of a letter's bytes get the whole letter.
 *
 * @param normalize - The tokenizer's normaliser, applied to a letter with its combining marks.
 */
export function spansOf(text: string, pieces: readonly Piece[], normalize: (text: string) => string): Span[] {
  const letters = lettersOf(text, normalize);
  const spans: Span[] = [];
  let at = 0; // letter being read
  let read = 0; // bytes of it already covered
  for (const { bytes, special } of pieces) {
    // Where its text does not follow, a special token is the unknown token in place of a symbol, i.e. of one byte.
    let left = special && !follows(letters, at, read, bytes) ? 1 : bytes.length;
    const first = Math.min(at, letters.length - 1);
    let last = first;
    while (left > 0 && at < letters.length) {
      last = at;
      const taken = Math.min(left, letters[at]!.bytes.length - read);
      left -= taken;
      read += taken;
      if (read === letters[at]!.bytes.length) [at, read] = [at + 1, 0];
    }
    spans.push({ start: letters[first]?.start ?? 0, end: letters[last]?.end ?? 0 });
  }
  return spans;
}

/** Whether the letters from there on begin with these bytes. */
function follows(letters: readonly Letter[], at: number, read: number, bytes: Uint8Array): boolean {
  let index = read;
  for (const byte of bytes) {
    if (letters[at]?.bytes[index] !== byte) return false;
    if (++index === letters[at]!.bytes.length) [at, index] = [at + 1, 0];
  }
  return true;
}

// A letter with all that composition (NFC) may join to it: marks, and the vowels and finals of Hangul syllables.
const cluster = /[^][\p{M}\u1160-\u11FF\uD7B0-\uD7FB]*/gu;

/** The text's normalised characters, without white space. */
function lettersOf(text: string, normalize: (text: string) => string): Letter[] {
  const seen = new Map<string, Letter[]>(); // by source, positions counted from its start
  const letters: Letter[] = [];
  for (const { 0: source, index } of text.matchAll(cluster)) {
    let parts = seen.get(source);
    if (!parts) seen.set(source, (parts = partsOf(source, normalize(source))));
    for (const { bytes, start, end } of parts) letters.push({ bytes, start: start + index, end: end + index });
  }
  return letters;
}

function partsOf(source: string, normalized: string): Letter[] {
  // What only changed case has a place of its own; what was composed or expanded shares its source's.
  const kept = shapeOf(source) === shapeOf(normalized);
  const parts: Letter[] = [];
  let start = 0;
  for (const letter of normalized) {
    const end = start + letter.length;
    if (!/\p{White_Space}/u.test(letter)) {
      parts.push({
        ...(kept ? { start, end } : { start: 0, end: source.length }),
        bytes: new TextEncoder().encode(letter),
      });
    }
    start = end;
  }
  return parts;
}

/** UTF-16 length of each code point. */
function shapeOf(text: string): string {
  return Array.from(text, (letter) => letter.length).join();
}
