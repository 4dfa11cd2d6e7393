import { CancelledError, DeviceLostError } from '@pleinair/tensor';

/** How long one run took. */
export interface Reading {
  readonly ms: number;
  /** Of processor time, all threads together, where the kernels run on the processor and it can be told. */
  readonly processorMs?: number;
}

/** A variant of a shape, ready to be timed. */
export interface TimedVariant {
  read(): Promise<Reading>;
  /** Frees what it holds. */
  close(): void;
}

/** How a contest is decided. */
export interface ContestRules {
  /** Readings of each of two variants, taken in turn, before one is said to be faster. */
  readonly rounds: number;
  /** A challenger whose first reading is this many times the champion's is out at once. */
  readonly giveUpRatio: number;
  /** A variant must take this share less time than the heuristic's to replace it. */
  readonly margin: number;
}

/** Rules that hold on noisy two-core software adapters; `quick` takes fewer rounds. */
export const contestRules = {
  quick: { rounds: 3, giveUpRatio: 1.5, margin: 0.03 },
  full: { rounds: 5, giveUpRatio: 1.5, margin: 0.03 },
} as const satisfies Record<string, ContestRules>;

/** Shares of a comparison that differ by more than this say that the machine had other work. */
const disturbedSpread = 1.5;

/** A win by less than this is read a second time, in turn with the heuristic's variant: luck does not come twice. */
const closeWin = 0.15;

/**
 * A contest between the variants of one shape. The heuristic's variant is the first champion; each challenger meets the
 * champion of the moment, the two read in turn so that whatever disturbs the machine meets both. Never more than two are
 * open, because each holds tensors and weights of its own.
 */
export class Contest {
  private readonly readings = new Map<string, number[]>();
  private readonly failed = new Set<string>();
  private champion: string;
  /** The champion's time as a share of the heuristic's, from readings taken in turn. */
  private ratio = 1;
  /** True where that share is a product over champions that came before: their errors multiply, too. */
  private isIndirect = false;
  private current: TimedVariant | undefined;

  constructor(
    private readonly heuristic: string,
    private readonly open: (variant: string) => Promise<TimedVariant>,
    private readonly rules: ContestRules,
  ) {
    this.champion = heuristic;
  }

  /** Milliseconds of one run by variant, the median of its readings; null for those that failed. */
  get times(): Readonly<Record<string, number | null>> {
    const failures = [...this.failed].map((name) => [name, null] as const);
    return Object.fromEntries([...[...this.readings].map(([name, ms]) => [name, median(ms)] as const), ...failures]);
  }

  /** The variant to take by what is known so far. */
  get winner(): string {
    return this.ratio <= 1 - this.rules.margin ? this.champion : this.heuristic;
  }

  /** The winner's time as a share of the heuristic's, from readings taken in turn. */
  get winnerShare(): number {
    return this.winner === this.champion ? this.ratio : 1;
  }

  /** True when the heuristic's own variant failed: then nothing can be said to be better than it. */
  get isVoid(): boolean {
    return this.failed.has(this.heuristic);
  }

  /**
   * Lets a variant meet the champion.
   *
   * @returns Its time as a share of the heuristic's; Infinity when it failed.
   * @throws `CancelledError` `DeviceLostError`; what else goes wrong with a variant puts it out of the contest.
   */
  async challenge(variant: string): Promise<number> {
    await this.openChampion();
    if (this.isVoid) return Infinity;
    const challenger = await this.attempt(variant, () => this.open(variant));
    if (!challenger) return Infinity;
    let won = false;
    try {
      const share = await this.attempt(variant, () => this.compare(variant, challenger));
      if (share === undefined) return Infinity;
      const against = this.ratio * share;
      won = share < 1;
      if (won) {
        this.isIndirect = this.champion !== this.heuristic;
        this.current?.close();
        this.current = challenger;
        this.champion = variant;
        this.ratio = against;
      }
      return against;
    } finally {
      if (!won) challenger.close();
    }
  }

  /**
   * Reads a narrow win a second time, and one over champions that came before in turn with the heuristic's own. Call it when
   * all challengers have had their turn.
   */
  async confirm(): Promise<void> {
    const isClear = this.ratio < 1 - closeWin && !this.isIndirect;
    if (this.champion === this.heuristic || isClear || this.winner === this.heuristic) return;
    await this.openChampion();
    const { champion } = this;
    const other = await this.attempt(this.heuristic, () => this.open(this.heuristic));
    if (!other || !this.current) return;
    try {
      const share = await this.compare(this.heuristic, other);
      if (this.champion !== champion) return;
      // Both times it must have been faster: the less of the two wins counts.
      this.ratio = Math.max(this.ratio, 1 / share);
      this.isIndirect = false;
    } finally {
      other.close();
    }
  }

  /** Frees what is open. The contest may go on afterwards. */
  close(): void {
    this.current?.close();
    this.current = undefined;
  }

  private async openChampion(): Promise<void> {
    this.current ??= await this.attempt(this.champion, () => this.open(this.champion));
  }

  /**
   * Reads a variant in turn with the champion; gives the median of the shares, or the first if it is hopeless. By the clock,
   * as that is what a user waits for; where the clock's shares disagree, because the machine has other work, by processor
   * time, which other work hardly touches.
   */
  private async compare(variant: string, timed: TimedVariant): Promise<number> {
    const shares: number[] = [];
    const processor: number[] = [];
    for (let round = 0; round < this.rules.rounds; round++) {
      const before = await this.current!.read();
      const now = await timed.read();
      this.keep(this.champion, before.ms);
      this.keep(variant, now.ms);
      shares.push(now.ms / before.ms);
      if (before.processorMs && now.processorMs) processor.push(now.processorMs / before.processorMs);
      if (round === 0 && Math.min(...shares, ...processor) > this.rules.giveUpRatio) break;
    }
    const disturbed = Math.max(...shares) > disturbedSpread * Math.min(...shares);
    return median(disturbed && processor.length === shares.length ? processor : shares);
  }

  private keep(variant: string, ms: number): void {
    const known = this.readings.get(variant);
    if (known) known.push(ms);
    else this.readings.set(variant, [ms]);
  }

  private async attempt<T>(variant: string, body: () => Promise<T>): Promise<T | undefined> {
    try {
      return await body();
    } catch (error) {
      if (error instanceof CancelledError || error instanceof DeviceLostError) throw error;
      this.failed.add(variant);
      this.readings.delete(variant);
      return undefined;
    }
  }
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
