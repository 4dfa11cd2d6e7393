import { allocationBytes, arenaAlignment } from './arena-size.js';
import { replacedBy } from './graph-node.js';
import type { LoweredNode } from './lower-nodes.js';
import type { ProgramPlan, SegmentPlan } from './plan.js';
import { alignUp, peakLiveBytes } from './planner.js';
import { tensorBytes, type Tensor } from './tensor.js';

/** What an order of a segment's nodes can do for its intermediates. */
export interface OrderBound {
  readonly segment: string;
  /** What runs: the arena's bytes that the segment takes. */
  readonly plannedBytes: number;
  /** The most alive at once in the order in which nodes were recorded. */
  readonly recordedBytes: number;
  /** Whatever the order, at some node at least so much is alive. */
  readonly leastBytes: number;
}

/**
 * Bounds what reordering nodes could save, segment by segment: the measurement behind keeping the order in which they were
 * recorded (`docs/decisions/order-of-nodes.md`).
 *
 * At a node, what one of its ancestors or itself has written and one of its descendants or itself will read lies in memory
 * in every order that respects dependences. In-place outputs are taken for granted wherever some order might grant them, and
 * scratch that depends on room is not counted, so the bound is never too high.
 */
export function orderBounds(plan: ProgramPlan): readonly OrderBound[] {
  const alignment = arenaAlignment(plan.profile);
  const lasting = new Set<Tensor>([...plan.persistent, ...plan.graph.held]);
  return plan.segments.map((segment) => ({
    segment: segment.name,
    plannedBytes: segment.intermediatesBytes,
    recordedBytes: peakLiveBytes(segment.lifetimes, alignment),
    leastBytes: leastBytes(segment, lasting, alignment),
  }));
}

function leastBytes({ nodes }: SegmentPlan, lasting: ReadonlySet<Tensor>, alignment: number): number {
  const after = descendants(nodes);
  const size = (tensor: Tensor): number => alignUp(allocationBytes(tensorBytes(tensor)), alignment);
  const needed = nodes.map(({ scratch, room }) =>
    room === undefined ? scratch.reduce((sum, tensor) => sum + size(tensor), 0) : 0,
  );
  for (const members of storages(nodes, lasting, after)) {
    const all = members.flatMap(({ users }) => users);
    const least = Math.min(...members.map(({ tensor }) => size(tensor)));
    const alive = [all, ...members.map(({ users }) => users)].map((users) => needing(users, after));
    nodes.forEach((_, n) => {
      if (!alive[0]!(n)) return;
      // Between two tensors of one chain it is not known which lies there, so the smaller is counted.
      const sure = members.map(({ tensor }, i) => (alive[i + 1]!(n) ? size(tensor) : 0));
      needed[n]! += Math.max(least, ...sure);
    });
  }
  return Math.max(0, ...needed);
}

/** Whether memory that these nodes use is in use at a node, in every order: one has run before, or is it, and one is to run. */
function needing(users: readonly number[], after: readonly Bits[]): (n: number) => boolean {
  const later = new Bits(after.length);
  for (const user of users) {
    later.set(user);
    later.add(after[user]!);
  }
  return (n) => later.has(n) && users.some((user) => user === n || after[n]!.has(user));
}

/** A tensor and the nodes that use it. */
interface Member {
  readonly tensor: Tensor;
  readonly users: readonly number[];
}

/** Tensors, those together that may come to share memory because outputs take over inputs. */
function storages(
  nodes: readonly LoweredNode[],
  lasting: ReadonlySet<Tensor>,
  after: readonly Bits[],
): Iterable<readonly Member[]> {
  const users = new Map<Tensor, number[]>();
  nodes.forEach(({ node }, i) => {
    for (const tensor of new Set([...node.inputs, ...node.outputs])) {
      if (!lasting.has(tensor)) users.set(tensor, [...(users.get(tensor) ?? []), i]);
    }
  });
  const roots = new Map<Tensor, Tensor>();
  nodes.forEach(({ node }, i) => {
    const taken = replacedBy(node);
    const [first] = node.outputs;
    if (!taken || !first || !users.has(taken) || !users.has(first) || taken.dtype !== first.dtype) return;
    // What is used after the node in every order can never be taken over by its output.
    if (!users.get(taken)!.some((user) => after[i]!.has(user))) roots.set(first, roots.get(taken) ?? taken);
  });
  const found = new Map<Tensor, Member[]>();
  for (const [tensor, own] of users) {
    const root = roots.get(tensor) ?? tensor;
    found.set(root, [...(found.get(root) ?? []), { tensor, users: own }]);
  }
  return found.values();
}

/** For each node those that must run after it. */
function descendants(nodes: readonly LoweredNode[]): readonly Bits[] {
  const next: Set<number>[] = nodes.map(() => new Set<number>());
  const writer = new Map<Tensor, number>();
  const readers = new Map<Tensor, number[]>();
  nodes.forEach(({ node }, i) => {
    for (const input of node.inputs) {
      const from = writer.get(input);
      if (from !== undefined) next[from]!.add(i);
      readers.set(input, [...(readers.get(input) ?? []), i]);
    }
    for (const output of node.outputs) {
      for (const before of [writer.get(output), ...(readers.get(output) ?? [])]) {
        if (before !== undefined && before !== i) next[before]!.add(i);
      }
      writer.set(output, i);
      readers.set(output, []);
    }
  });
  const after = nodes.map(() => new Bits(nodes.length));
  for (let i = nodes.length - 1; i >= 0; i--) {
    for (const to of next[i]!) {
      after[i]!.set(to);
      after[i]!.add(after[to]!);
    }
  }
  return after;
}

/** A set of small numbers. */
class Bits {
  private readonly words: Uint32Array;

  constructor(size: number) {
    this.words = new Uint32Array(Math.ceil(size / 32));
  }

  has(n: number): boolean {
    return ((this.words[n >> 5]! >>> (n & 31)) & 1) === 1;
  }

  set(n: number): void {
    this.words[n >> 5]! |= 1 << (n & 31);
  }

  add(other: Bits): void {
    for (let i = 0; i < this.words.length; i++) this.words[i]! |= other.words[i]!;
  }
}
