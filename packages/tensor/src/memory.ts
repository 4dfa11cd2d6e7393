/** What a buffer is for. */
export type MemoryCategory =
  /** Checkpoint tensors. */
  | 'weights'
  /** The arena of tensors that live within one run. */
  | 'intermediates'
  /** Inputs, outputs, state, what segments leave for one another, and uniform blocks. */
  | 'persistent'
  /** Short-lived buffers that carry data between host and GPU, and query results. */
  | 'staging';

/** Bytes by category. */
export type MemoryCounts = Readonly<Record<MemoryCategory, number>>;

const none = { weights: 0, intermediates: 0, persistent: 0, staging: 0 };

/** Counts the bytes of every buffer a device holds: now, and the most there ever were. */
export class MemoryLedger {
  private readonly now: Record<MemoryCategory, number> = { ...none };
  private readonly most: Record<MemoryCategory, number> = { ...none };
  private mostTotal = 0;
  private mostPlanned = 0;

  /** Bytes held now. */
  get current(): MemoryCounts {
    return { ...this.now };
  }

  /** The most bytes held at one time, each category by itself. */
  get peak(): MemoryCounts {
    return { ...this.most };
  }

  /** Bytes held now, all categories together. */
  get total(): number {
    return sum(this.now);
  }

  /** The most bytes held at one time, all categories together. */
  get peakTotal(): number {
    return this.mostTotal;
  }

  /** The most bytes held at one time but for staging: what a plan foretells. */
  get peakPlanned(): number {
    return this.mostPlanned;
  }

  /** Takes note of a buffer that came (positive) or went (negative). */
  add(category: MemoryCategory, bytes: number): void {
    this.now[category] += bytes;
    this.most[category] = Math.max(this.most[category], this.now[category]);
    this.mostTotal = Math.max(this.mostTotal, sum(this.now));
    this.mostPlanned = Math.max(this.mostPlanned, sum(this.now) - this.now.staging);
  }

  /** Starts the peaks again from what is held now. */
  resetPeak(): void {
    Object.assign(this.most, this.now);
    this.mostTotal = sum(this.now);
    this.mostPlanned = this.mostTotal - this.now.staging;
  }
}

function sum(counts: MemoryCounts): number {
  return counts.weights + counts.intermediates + counts.persistent + counts.staging;
}
