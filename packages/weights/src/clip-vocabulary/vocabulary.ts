import { packedMerges } from './packed-merges.js';

/** Marks the last piece of a word. */
const endOfWord = '</w>';

/** Tokens: every byte alone, every byte at a word's end, one for each merge, and the two that no text gives. */
interface Vocabulary {
  readonly tokens: readonly string[];
  /** The ids of the two tokens that each merge joins, in order of precedence. */
  readonly merges: readonly (readonly [first: number, second: number])[];
}

/** Text of `vocab.json`: ids 0 to 49,407 by token. */
export async function clipVocabularyText(): Promise<string> {
  const { tokens } = await unpack();
  return JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id])));
}

/** Text of `merges.txt`: 48,894 merges behind a line with the version, in order of precedence. */
export async function clipMergesText(): Promise<string> {
  const { tokens, merges } = await unpack();
  const lines = merges.map(([first, second]) => `${tokens[first]} ${tokens[second]}`);
  return ['#version: 0.2', ...lines, ''].join('\n');
}

/**
 * The packed form is base64 of a zlib stream of four planes, each of one byte a merge: high and low byte of the first
 * token's id, then of the second's. Planes compress better than pairs.
 */
async function unpack(): Promise<Vocabulary> {
  const packed = Uint8Array.from(atob(packedMerges), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = planes.length / 4;
  const letters = byteLetters();
  const tokens = [...letters, ...letters.map((letter) => letter + endOfWord)];
  const merges: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    const plane = (which: number): number => planes[which * count + i]!;
    const pair: [number, number] = [plane(0) * 256 + plane(1), plane(2) * 256 + plane(3)];
    merges.push(pair);
    tokens.push(tokens[pair[0]]! + tokens[pair[1]]!);
  }
  return { tokens: [...tokens, '<|startoftext|>', '<|endoftext|>'], merges };
}

/** The letter that stands for each byte, in the order of ids: printable bytes first, as themselves, then the others. */
function byteLetters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const others = bytes.filter((byte) => !printable(byte));
  return [...bytes.filter(printable), ...others.map((_, i) => 256 + i)].map((code) => String.fromCharCode(code));
}
