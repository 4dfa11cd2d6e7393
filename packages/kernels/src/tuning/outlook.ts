import type { Choices, SubjectVariant } from './choices.js';
import type { TuningSubject } from './subject.js';

/** What trying variants costs and promises, learnt as tuning goes on. */
export interface OutlookOptions {
  /** True for software adapters, where translating a kernel takes the longest. */
  readonly isSoftware: boolean;
  /** True for kernels that are built already. */
  readonly isBuilt: (kernelKey: string) => boolean;
  /** Readings of each of two variants in one comparison. */
  readonly rounds: number;
  /** Milliseconds one reading takes at least. */
  readonly readingMs: number;
}

/** First guesses, before anything was seen: milliseconds to build one kernel and to set a node up. */
const firstGuess = { software: { build: 600, open: 20 }, device: { build: 80, open: 10 } };

/** What a variant never tried is expected to save. */
const unseenSaving = 0.1;

/** What a variant that lost elsewhere is still expected to save here. */
const leastSaving = 0.003;

/** A trial must promise to earn its time back within so many pictures. */
const payBackPictures = 100;

/** A variant of a shape that was not tried yet. */
export interface Trial {
  readonly subject: TuningSubject;
  readonly choices: Choices;
  readonly variant: SubjectVariant;
}

/**
 * Says which trial is worth most for its cost. A variant's outlook follows from how it did elsewhere in the same op; its
 * cost from kernels it needs that no one has built yet, since kernels serve many shapes.
 */
export class Outlook {
  private buildMs: number;
  private openMs: number;
  /** Logarithms of a variant's share of the heuristic's time, by op and variant. */
  private readonly seen = new Map<string, number[]>();
  /** What was read of the heuristic's variant, by shape. */
  private readonly heuristicMs = new Map<string, number>();

  constructor(private readonly options: OutlookOptions) {
    const guess = options.isSoftware ? firstGuess.software : firstGuess.device;
    this.buildMs = guess.build;
    this.openMs = guess.open;
  }

  /** Milliseconds a picture that trying a variant is expected to save. */
  gainMs({ subject, variant }: Trial): number {
    const measured = this.heuristicMs.get(subject.shape);
    const work = measured === undefined ? subject.expectedMs : measured * subject.runs;
    return work * this.saving(subject, variant);
  }

  /** Milliseconds that trying a variant is expected to take. */
  costMs({ subject, choices, variant }: Trial): number {
    const kernels = new Set(variant.kernels);
    const began = this.heuristicMs.get(subject.shape);
    if (began === undefined) {
      const own = choices.variants.find(({ name }) => name === choices.heuristic);
      for (const key of own?.kernels ?? []) kernels.add(key);
    }
    let unbuilt = 0;
    for (const key of kernels) if (!this.options.isBuilt(key)) unbuilt++;
    const runMs = began ?? subject.expectedMs / Math.max(1, subject.runs);
    const reading = Math.max(this.options.readingMs, runMs);
    return 2 * this.openMs + unbuilt * this.buildMs + 2 * this.options.rounds * reading;
  }

  /** The trial that is worth most for its cost, of those that fit the time left and promise to earn it back. */
  next(trials: Iterable<Trial>, leftMs: number): Trial | undefined {
    let best: Trial | undefined;
    let bestWorth = 0;
    for (const trial of trials) {
      const cost = this.costMs(trial);
      const gain = this.gainMs(trial);
      if (cost > leftMs || cost > gain * payBackPictures) continue;
      if (gain / cost > bestWorth) {
        best = trial;
        bestWorth = gain / cost;
      }
    }
    return best;
  }

  /**
   * Learns from setting a variant up: how long it took, with its first run, and how many kernels had to be built for it.
   */
  learnOpening(ms: number, built: number): void {
    if (built > 0) this.buildMs = (this.buildMs + Math.max(0, ms - this.openMs) / built) / 2;
    else this.openMs = (this.openMs + ms) / 2;
  }

  /** Learns what the heuristic's variant really takes. */
  learnTime(shape: string, ms: number): void {
    this.heuristicMs.set(shape, ms);
  }

  /** Learns a variant's share of the heuristic's time. Infinity: it failed. */
  learnShare({ subject, variant }: Trial, share: number): void {
    const key = `${subject.op} ${variant.name}`;
    const shares = this.seen.get(key) ?? [];
    shares.push(Math.log(Math.min(share, 16)));
    this.seen.set(key, shares);
  }

  private saving(subject: TuningSubject, variant: SubjectVariant): number {
    const shares = this.seen.get(`${subject.op} ${variant.name}`);
    if (!shares) return unseenSaving;
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return Math.max(leastSaving, 1 - Math.exp(mean));
  }
}
