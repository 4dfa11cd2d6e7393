/**
 * Places tensors with known lifetimes in memory.
 *
 * Two ways, both exact and pure: an arena, where tensors get byte offsets in one range, placed greedily by size
 * (arXiv 2001.03288: largest first, each in the smallest gap that fits among those alive at the same time), and a pool of
 * whole buffers, each reused by tensors whose lives do not meet. `docs/decisions/` says which runs and why.
 */

/** A tensor to place: alive from step `first` to step `last`, both inclusive. */
export interface Lifetime {
  readonly id: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
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

/**
 * Arena placement. Several orders are tried and the smallest arena wins: greedy by size alone is rarely the best on
 * U-shaped networks, and planning is cheap.
 */
export function planArena(tensors: readonly Lifetime[], alignment: number): Placement {
  const orders: ((a: Lifetime, b: Lifetime) => number)[] = [
    (a, b) => b.bytes - a.bytes || b.last - b.first - (a.last - a.first) || a.id - b.id,
    (a, b) => b.last - b.first - (a.last - a.first) || b.bytes - a.bytes || a.id - b.id,
    (a, b) => b.bytes * (b.last - b.first + 1) - a.bytes * (a.last - a.first + 1) || a.id - b.id,
    (a, b) => a.first - b.first || b.bytes - a.bytes || a.id - b.id,
  ];
  const bound = peakLiveBytes(tensors, alignment);
  let best: Placement | undefined;
  for (const order of orders) {
    const placement = placeInOrder([...tensors].sort(order), alignment);
    if (!best || placement.bytes < best.bytes) best = placement;
    if (best.bytes === bound) break;
  }
  return best!;
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

function placeInOrder(tensors: readonly Lifetime[], alignment: number): Placement {
  interface Placed extends Lifetime {
    readonly offset: number;
    readonly end: number;
  }
  const placed: Placed[] = []; // kept sorted by offset
  const offsets = new Map<number, number>();
  let arena = 0;
  for (const tensor of tensors) {
    const bytes = alignUp(tensor.bytes, alignment);
    let bestOffset = -1;
    let bestGap = Infinity;
    let cursor = 0;
    for (const other of placed) {
      if (other.last < tensor.first || other.first > tensor.last) continue;
      const gap = other.offset - cursor;
      if (gap >= bytes && gap < bestGap) {
        bestGap = gap;
        bestOffset = cursor;
      }
      cursor = Math.max(cursor, other.end);
    }
    const offset = bestOffset >= 0 ? bestOffset : cursor;
    offsets.set(tensor.id, offset);
    const entry = { ...tensor, offset, end: offset + bytes };
    let at = placed.length;
    while (at > 0 && placed[at - 1]!.offset > offset) at--;
    placed.splice(at, 0, entry);
    arena = Math.max(arena, entry.end);
  }
  return { offsets, bytes: arena };
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
