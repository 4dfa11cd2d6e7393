import type { PaletteBits } from '@pleinair/tensor';
import { PalettizeError } from '../errors.js';
import type { Progress } from '../progress.js';
import { averageBits } from '../recipe/average-bits.js';
import type { Candidate } from '../recipe/candidates.js';
import type { RecipeFile } from '../recipe/recipe-file.js';
import type { AnalysisEngine } from './engine.js';
import type { EvaluationLog } from './evaluation-log.js';

/** Options of every analysis. */
export interface AnalysisOptions {
  readonly modelVersion: string;
  /** Layers to palettize, in the model's order; ties are broken by it. */
  readonly candidates: readonly Candidate[];
  /** Runs the model. It is left with its original weights. */
  readonly engine: AnalysisEngine;
  /** Layers that linear int8 is tried on. Default: the candidates; as published, every layer there is. */
  readonly linear8Layers?: readonly string[];
  /** Output channels that share a palette, for average bits; 0, the default, where one serves all. */
  readonly group?: number;
  /** Where results are kept, and looked for first. Default: in memory. */
  readonly log?: EvaluationLog;
  readonly signal?: AbortSignal;
  /** How far it is, in evaluations; those found in the log are counted at once. */
  readonly onProgress?: (progress: Progress) => void;
}

/** A finished analysis. */
export interface Analysis {
  readonly file: RecipeFile;
  /** Model runs, those found in the log included. */
  readonly runs: number;
}

/**
 * Average bits of the narrowest width throughout, after checking that no recipe is asked for below them.
 *
 * @param targets - Average bits that recipes are asked for.
 * @param narrowest - The narrowest width allowed.
 * @throws `PalettizeError` `palettize/invalid-argument`
 */
export function leastAverageBits(
  targets: readonly number[],
  candidates: readonly Candidate[],
  narrowest: PaletteBits | undefined,
  group: number,
): number {
  const least = averageBits(candidates, () => narrowest, group);
  const below = targets.find((target) => target < least);
  if (below === undefined) return least;
  throw new PalettizeError(
    'palettize/invalid-argument',
    `analysis: expected targets of at least ${least.toFixed(2)} average bits, which ${narrowest} bits throughout take, ` +
      `palettes included, got ${below}. Ask for more, or allow fewer bits.`,
  );
}

/** What the published file says beside the results of a width. */
export function widthMetadata(bits: PaletteBits, group: number, cumulative: boolean): Record<string, unknown> {
  return { nbits: bits, ...(group === 0 ? { out_ngroups: 1 } : { group }), in_ngroups: 1, cumulative };
}
