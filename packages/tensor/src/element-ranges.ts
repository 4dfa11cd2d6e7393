/** A set of element indices, kept as disjoint ranges in order: the few that pieces of a weight leave between them. */
export class ElementRanges {
  private ranges: { readonly start: number; readonly end: number }[] = [];

  /** Elements in the set; each counts once, however often it was added. */
  get count(): number {
    return this.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Adds `start` up to, but not including, `end`. */
  add(start: number, end: number): void {
    if (end <= start) return;
    const before = this.ranges.filter((range) => range.end < start);
    const after = this.ranges.filter((range) => range.start > end);
    const touching = this.ranges.slice(before.length, this.ranges.length - after.length);
    const joined = {
      start: Math.min(start, ...touching.map((range) => range.start)),
      end: Math.max(end, ...touching.map((range) => range.end)),
    };
    this.ranges = [...before, joined, ...after];
  }
}
