/**
 * Places tensors with known lifetimes in memory.
 *
 * Two ways, both exact and pure: an arena, where tensors get byte offsets in one range, placed greedily by size
 * (arXiv 2001.03288: largest first, each in the smallest gap that fits among those alive at the same time), and a pool of
 * whole buffers, each reused by tensors whose lives do not meet. `docs/decisions/` says which runs and why; also why nodes
 * are never reordered (`order-of-nodes.md`).
 */

/** A tensor to place: alive from step `first` to step `last`, both inclusive. */
export interface Lifetime {
  readonly id: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  /** Where it lies already, a multiple of the alignment; such tensors do not meet one another. */
  readonly at?: number;
}

/** Where everything went. */
export interface Placement {
  readonly offsets: ReadonlyMap<number, number>;
  /** Bytes of the whole arena: the planned peak. */
  readonly bytes: number;
}

/** Rounds up to a multiple of `alignment`. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** What one hill climb may do: comparisons of two tensors (some 50 ms) and tries. */
const climbWork = 2.5e7;
const climbTries = 500;

/** A climb moves tensors about among this many at the head of an order: those that decide. */
const climbHead = 32;

/**
 * Arena placement. Greedy by offset, in several orders, the smallest arena wins: by size alone is rarely the best on
 * U-shaped networks, and planning is cheap. While the result is above what is alive at once, hill climbs over the order of
 * the tensors placed first go on, from a fixed seed: the same tensors always give the same placement.
 *
 * @param pageBytes - No tensor crosses a multiple of this, so that the arena can be cut there into several buffers. A
 *   multiple of `alignment`, at least as large as the largest tensor.
 */
export function planArena(tensors: readonly Lifetime[], alignment: number, pageBytes = Infinity): Placement {
  const placed = tensors.filter(({ at }) => at !== undefined);
  const loose = tensors.filter(({ at }) => at === undefined);
  const place: Placer = (order, limit) => placeInOrder([...placed, ...order], alignment, pageBytes, limit);
  const span = (t: Lifetime): number => t.last - t.first;
  const sorted = (compare: (a: Lifetime, b: Lifetime) => number): Lifetime[] => [...loose].sort(compare);
  const bySize = sorted((a, b) => b.bytes - a.bytes || span(b) - span(a) || a.id - b.id);
  const byBreadth = breadthOrder(loose, alignment);
  const orders = [
    bySize,
    byBreadth,
    sorted((a, b) => span(b) - span(a) || b.bytes - a.bytes || a.id - b.id),
    sorted((a, b) => b.bytes * (span(b) + 1) - a.bytes * (span(a) + 1) || a.id - b.id),
    sorted((a, b) => a.first - b.first || b.bytes - a.bytes || a.id - b.id),
  ];
  const bound = peakLiveBytes(tensors, alignment);
  let best: Placement = { offsets: new Map(), bytes: tensors.length ? Infinity : 0 };
  for (const order of orders) {
    if (best.bytes === bound) return best;
    const { placement } = place(order, best.bytes);
    if (placement && placement.bytes < best.bytes) best = placement;
  }
  const random = randomIntegers();
  for (const start of [byBreadth, bySize, byBreadth, bySize]) {
    if (best.bytes === bound) return best;
    const found = climb(start, place, bound, random);
    if (found.bytes < best.bytes) best = found;
  }
  return best;
}

/** The fullest moments first, and at each the tensors alive then, longest-lived first. */
function breadthOrder(tensors: readonly Lifetime[], alignment: number): readonly Lifetime[] {
  const steps = new Map<number, { bytes: number; alive: Lifetime[] }>();
  for (const tensor of tensors) {
    for (let step = tensor.first; step <= tensor.last; step++) {
      const at = steps.get(step) ?? { bytes: 0, alive: [] };
      at.bytes += alignUp(tensor.bytes, alignment);
      at.alive.push(tensor);
      steps.set(step, at);
    }
  }
  const order = new Set<Lifetime>();
  for (const [, { alive }] of [...steps].sort(([s, a], [t, b]) => b.bytes - a.bytes || s - t)) {
    alive.sort((a, b) => b.last - b.first - (a.last - a.first) || b.bytes - a.bytes || a.id - b.id);
    for (const tensor of alive) order.add(tensor);
  }
  return [...order];
}

/** Places tensors one by one beside those that lie already; gives up as soon as the arena outgrows `limit`. */
type Placer = (order: readonly Lifetime[], limit: number) => { placement?: Placement; comparisons: number };

/** Moves one to three tensors at the head of the order at a time, and keeps what is no worse. */
function climb(start: readonly Lifetime[], place: Placer, bound: number, random: (below: number) => number): Placement {
  let best = place(start, Infinity).placement!;
  let order = start;
  const head = Math.min(climbHead, start.length);
  if (head < 2) return best;
  let work = 0;
  for (let i = 0; i < climbTries && work < climbWork && best.bytes > bound; i++) {
    const candidate = [...order];
    for (let moves = 1 + random(3); moves > 0; moves--) {
      const [moved] = candidate.splice(random(head), 1);
      candidate.splice(random(head), 0, moved!);
    }
    const { placement, comparisons } = place(candidate, best.bytes);
    work += comparisons;
    if (!placement) continue;
    best = placement;
    order = candidate;
  }
  return best;
}

/** Numbers in [0, below) from a fixed seed: the generator of Numerical Recipes. */
function randomIntegers(): (below: number) => number {
  let seed = 1;
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** The most bytes alive at once: no placement can be smaller. */
export function peakLiveBytes(tensors: readonly Lifetime[], alignment: number): number {
  const change = new Map<number, number>();
  for (const t of tensors) {
    const bytes = alignUp(t.bytes, alignment);
    change.set(t.first, (change.get(t.first) ?? 0) + bytes);
    change.set(t.last + 1, (change.get(t.last + 1) ?? 0) - bytes);
  }
  let live = 0;
  let peak = 0;
  for (const step of [...change.keys()].sort((a, b) => a - b)) {
    live += change.get(step)!;
    peak = Math.max(peak, live);
  }
  return peak;
}

/** Places tensors one by one; gives up as soon as the arena outgrows `limit`. */
function placeInOrder(
  tensors: readonly Lifetime[],
  alignment: number,
  pageBytes: number,
  limit: number,
): { placement?: Placement; comparisons: number } {
  // Columns of what is placed, sorted by offset: a graph of thousands of tensors makes this the inner loop of planning.
  const starts = new Float64Array(tensors.length);
  const ends = new Float64Array(tensors.length);
  const firsts = new Float64Array(tensors.length);
  const lasts = new Float64Array(tensors.length);
  const columns = [starts, ends, firsts, lasts];
  const offsets = new Map<number, number>();
  let arena = 0;
  let count = 0;
  let comparisons = 0;
  for (const { id, bytes: unaligned, first, last, at: known } of tensors) {
    const bytes = alignUp(unaligned, alignment);
    let offset = known ?? -1;
    let smallest = Infinity;
    let cursor = 0;
    for (let i = known === undefined ? 0 : count; i < count; i++) {
      if (lasts[i]! < first || firsts[i]! > last) continue;
      const gap = starts[i]! - cursor;
      if (gap >= bytes && gap < smallest) {
        const from = withinPage(cursor, bytes, pageBytes);
        if (from + bytes <= starts[i]!) {
          smallest = gap;
          offset = from;
        }
      }
      if (ends[i]! > cursor) cursor = ends[i]!;
    }
    if (offset < 0) offset = withinPage(cursor, bytes, pageBytes);
    offsets.set(id, offset);
    arena = Math.max(arena, offset + bytes);
    comparisons += count;
    if (arena > limit) return { comparisons };
    let at = count;
    while (at > 0 && starts[at - 1]! > offset) at--;
    const row = [offset, offset + bytes, first, last];
    columns.forEach((column, c) => {
      column.copyWithin(at + 1, at, count);
      column[at] = row[c]!;
    });
    count++;
  }
  return { placement: { offsets, bytes: arena }, comparisons };
}

/** The offset itself, or the start of the next page where the range would reach into it. */
function withinPage(offset: number, bytes: number, pageBytes: number): number {
  if (offset + bytes <= pageBytes) return offset;
  const page = Math.floor(offset / pageBytes);
  return offset + bytes <= (page + 1) * pageBytes ? offset : (page + 1) * pageBytes;
}

/**
 * Pool of whole buffers: each tensor takes, at its first use, the free buffer that wastes least (or grows one), and
 * frees it after its last. Returns the bytes of all buffers together.
 */
export function planWholeBuffers(tensors: readonly Lifetime[], alignment: number): number {
  const byStart = [...tensors].sort((a, b) => a.first - b.first || b.bytes - a.bytes);
  const buffers: { bytes: number; freeAt: number }[] = [];
  for (const tensor of byStart) {
    const bytes = alignUp(tensor.bytes, alignment);
    const free = buffers.filter((b) => b.freeAt < tensor.first);
    const fitting = free.filter((b) => b.bytes >= bytes).sort((a, b) => a.bytes - b.bytes)[0];
    const growing = free.sort((a, b) => b.bytes - a.bytes)[0];
    const chosen = fitting ?? growing;
    if (chosen) {
      chosen.bytes = Math.max(chosen.bytes, bytes);
      chosen.freeAt = tensor.last;
    } else {
      buffers.push({ bytes, freeAt: tensor.last });
    }
  }
  return buffers.reduce((sum, b) => sum + b.bytes, 0);
}
