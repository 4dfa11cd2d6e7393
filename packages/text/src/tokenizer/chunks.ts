import type { InjectedVector, Token } from './prompt.js';

/** What one run of an encoder reads: begin, up to 75 tokens, end, padding. */
export interface TokenChunk {
  /** `[maxLength]` ids, e.g. 77. */
  readonly ids: Int32Array;
  /** `[maxLength]` weights; 1 for begin, end and padding. */
  readonly weights: Float32Array;
  /** Position of the first end token, where the pooled output is taken. */
  readonly endPosition: number;
  /** Positions whose token embedding is to be replaced. */
  readonly injected: readonly (InjectedVector & { readonly position: number })[];
  /** Places taken by the prompt, begin and end included: 2 to `maxLength`. */
  readonly used: number;
}

/** Ids and length that shape a chunk. */
export interface ChunkFormat {
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  /** Places of a chunk, begin and end included. */
  readonly maxLength: number;
}

/**
 * Shares tokens out over chunks of `room` places. Words stay whole where they fit into a chunk at all; nothing is
 * dropped.
 *
 * @returns At least one list, empty for no tokens.
 */
export function shareOut(tokens: readonly Token[], room: number): Token[][] {
  const chunks: Token[][] = [[]];
  let start = 0;
  while (start < tokens.length) {
    let end = start + 1;
    while (end < tokens.length && !tokens[end - 1]!.endsWord) end++;
    // A word longer than a chunk is split wherever the room ends.
    const length = end - start;
    if (length <= room && chunks.at(-1)!.length + length > room) chunks.push([]);
    for (; start < end; start++) {
      if (chunks.at(-1)!.length === room) chunks.push([]);
      chunks.at(-1)!.push(tokens[start]!);
    }
  }
  return chunks;
}

/** Lays out one chunk. `tokens` must leave room for begin and end. */
export function layOut(tokens: readonly Token[], format: ChunkFormat): TokenChunk {
  const ids = new Int32Array(format.maxLength).fill(format.padId);
  const weights = new Float32Array(format.maxLength).fill(1);
  const injected: (InjectedVector & { position: number })[] = [];
  let endPosition = tokens.length + 1;
  ids[0] = format.bosId;
  ids[tokens.length + 1] = format.eosId;
  tokens.forEach((token, index) => {
    const position = index + 1;
    ids[position] = token.id;
    weights[position] = token.weight;
    if (token.injected) injected.push({ position, ...token.injected });
    // The encoders look for the first end token, and a prompt may spell one out.
    else if (token.id === format.eosId) endPosition = Math.min(endPosition, position);
  });
  return { ids, weights, endPosition, injected, used: tokens.length + 2 };
}
