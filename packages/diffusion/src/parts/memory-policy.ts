import type { DeviceProfile } from '@pleinair/tensor';
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

/**
 * Bytes that `auto` lets a run hold on an adapter: as many as it allows in one buffer. WebGPU tells of no memory, free or
 * in all; drivers set that limit by what the GPU has (phones 1 GB, most desktop drivers 2 to 4 GB, Apple's a good share of
 * the machine's), so it is the nearest there is to being told.
 */
export function memoryBudget({ limits }: DeviceProfile): number {
  return limits.maxBufferSize;
}

/**
 * The memory mode `auto` stands for: the first, from the most memory to the least, whose peak is within what the adapter
 * allows; `low` where none is.
 *
 * @param peak - The most bytes a run would hold in a mode; asked only as far as it decides.
 */
export function chooseMemory(profile: DeviceProfile, peak: (mode: MemoryMode) => number): MemoryMode {
  const budget = memoryBudget(profile);
  return [...memoryModes].reverse().find((mode) => mode === 'low' || peak(mode) <= budget) ?? 'low';
}
