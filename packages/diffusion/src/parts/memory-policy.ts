import type { PartKind } from './part-spec.js';

/**
 * How a run uses memory. `low`: a part's weights come for its work, segment by segment, and go after it. `balanced`: the UNet
 * and the VAE stay for the next picture, text encoders come and go. `resident`: everything stays, and weights may be
 * laid out larger where that is faster.
 */
export type MemoryMode = 'low' | 'balanced' | 'resident';

/** The modes, from the least memory to the most. */
export const memoryModes: readonly MemoryMode[] = ['low', 'balanced', 'resident'];

/** What a memory mode means to parts. */
export interface MemoryPolicy {
  readonly mode: MemoryMode;
  /** Whether weights of a part stay on the GPU after its work. */
  keeps(kind: PartKind): boolean;
  /** While a part works, only the weights of the segment about to run are there. */
  bySegment(kind: PartKind): boolean;
  /** Weights may be laid out larger than they are, as for Winograd. */
  readonly transformedWeights: boolean;
}

/** The policy of a mode. */
export function memoryPolicy(mode: MemoryMode): MemoryPolicy {
  const keeps = (kind: PartKind): boolean => mode === 'resident' || (mode === 'balanced' && kind !== 'text-encoder');
  return { mode, keeps, bySegment: (kind) => !keeps(kind), transformedWeights: mode === 'resident' };
}
