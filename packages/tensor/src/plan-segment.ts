import { allocationBytes, arenaAlignment, arenaPageBytes } from './arena-size.js';
import { DeviceError, ShapeError } from './errors.js';
import { replacedBy, type GraphNode } from './graph-node.js';
import type { HeldTensor } from './held.js';
import { lowerNode, type LoweredNode, type LoweringSettings } from './lower-nodes.js';
import type { PlanOptions, SegmentPlan } from './plan.js';
import { alignUp, planArena, type Lifetime, type Placement } from './planner.js';
import type { DeviceProfile } from './profile.js';
import { tensorBytes, type Tensor } from './tensor.js';
import type { Weight } from './weight.js';

/** A storage that lives within the segment: from the node that first writes it to the last that uses it. */
interface Span {
  readonly first: number;
  last: number;
  readonly bytes: number;
  /** Its place in the arena, where that is given. */
  readonly at?: number;
}

/** Tries at fitting larger scratch into the arena, each with half the room of the one before. */
const roomTries = 4;

/**
 * Plans one segment in two steps, because what a node may take for scratch depends on the fullest moment of the whole
 * program: made, it has lowered every node as if scratch were dear; {@link finish} spends what the arena leaves free.
 */
export class SegmentPlanner {
  private readonly settings: LoweringSettings;
  private readonly lastUse = new Map<Tensor, number>();
  /** Tensors that share storage through in-place outputs are one span, known by the tensor at its root. */
  private readonly root = new Map<Tensor, Tensor>();
  private readonly spans = new Map<Tensor, Span>();
  private readonly inPlace: readonly boolean[];
  private readonly outputBytes: number;
  private lowered: readonly LoweredNode[] = [];
  private nextScratchId = -1;
  private placement: Placement;

  /** @throws ShapeError `graph/unwritten`, `graph/bad-dispatch`; DeviceError `device/limit`. */
  constructor(
    private readonly name: string,
    private readonly nodes: readonly GraphNode[],
    private readonly persistent: ReadonlySet<Tensor>,
    private readonly held: ReadonlyMap<Tensor, HeldTensor>,
    private readonly profile: DeviceProfile,
    private readonly options: PlanOptions,
  ) {
    this.settings = { profile, options, rootOf: (tensor) => this.rootOf(tensor), kernels: new Map() };
    this.findLastUses();
    this.inPlace = nodes.map((node, i) => this.mayReplace(node, i));
    this.outputBytes = this.findSpans();
    this.lowered = this.lower(() => options.scratchBytes ?? 0);
    this.placement = this.place(this.lowered);
  }

  /** Bytes of the arena this segment needs. */
  get placedBytes(): number {
    return this.placement.bytes;
  }

  /**
   * Lowers the nodes that asked for room again with what an arena of this size leaves free, and says where all is.
   *
   * @param arenaBytes - At least {@link placedBytes}.
   * @param once - Gives one object for weights with equal keys.
   */
  finish(arenaBytes: number, once: (weight: Weight) => Weight): SegmentPlan {
    const free = this.freeBytes(arenaBytes);
    if (this.lowered.some(({ room }, i) => room !== undefined && free[i]! > room)) {
      for (let share = 1, tries = 0; tries < roomTries; share /= 2, tries++) {
        const lowered = this.lower((i) => Math.max(this.options.scratchBytes ?? 0, Math.floor(free[i]! * share)));
        const placement = this.place(lowered);
        if (placement.bytes > arenaBytes) continue;
        this.lowered = lowered;
        this.placement = placement;
        break;
      }
    }
    const { lowered, placement } = this;
    const lifetimes = this.lifetimes(lowered);
    const offsets = new Map<Tensor, number>();
    lifetimes.forEach(({ tensor }, id) => offsets.set(tensor, placement.offsets.get(id)!));
    for (const tensor of this.root.keys()) offsets.set(tensor, offsets.get(this.rootOf(tensor))!);
    const all = lowered.flatMap((n) => n.dispatches);
    const weights = new Set<Weight>();
    for (const { bindings } of all)
      for (const bound of bindings) if ('weight' in bound) weights.add(once(bound.weight));
    const scratchBytes = lowered.reduce((sum, { scratch }) => sum + bytesOf(scratch), 0);
    return {
      name: this.name,
      nodes: lowered,
      offsets,
      lifetimes: lifetimes.map(({ lifetime }) => lifetime),
      intermediatesBytes: placement.bytes,
      naiveBytes: this.outputBytes + scratchBytes,
      flops: all.reduce((sum, d) => sum + d.flops, 0),
      executedFlops: all.reduce((sum, d) => sum + (d.executedFlops ?? d.flops), 0),
      bytesMoved: all.reduce((sum, d) => sum + d.bytesMoved, 0),
      dispatches: all.length,
      weights: [...weights],
    };
  }

  private rootOf(tensor: Tensor): Tensor {
    return this.root.get(tensor) ?? tensor;
  }

  private findLastUses(): void {
    const written = new Set<Tensor>([...this.persistent, ...this.held.keys()]);
    this.nodes.forEach((node, i) => {
      for (const input of node.inputs) {
        if (!written.has(input)) {
          throw new ShapeError(
            'graph/unwritten',
            `${this.name}: expected ${node.label} (${node.op}) to read a written tensor, got "${input.name}". Record its producer first.`,
          );
        }
        this.lastUse.set(input, i);
      }
      for (const output of node.outputs) {
        written.add(output);
        this.lastUse.set(output, i);
      }
    });
  }

  /** Whether a tensor's room is its own to the segment's end and beyond. */
  private stays(tensor: Tensor): boolean {
    return this.held.get(tensor)?.released === false;
  }

  private mayReplace(node: GraphNode, i: number): boolean {
    const reuse = replacedBy(node);
    const target = node.outputs[0];
    return (
      reuse !== undefined &&
      target !== undefined &&
      !this.persistent.has(reuse) &&
      !this.persistent.has(target) &&
      !this.stays(reuse) &&
      // Two held tensors have two places; what is made of a released one lies in its.
      !(this.held.has(target) && [...this.held.values()].some(({ released }) => released)) &&
      this.lastUse.get(reuse) === i &&
      node.inputs.filter((input) => input === reuse).length === 1 &&
      reuse.dtype === target.dtype &&
      (node.inPlace || this.held.has(target)
        ? tensorBytes(reuse) === tensorBytes(target)
        : tensorBytes(reuse) >= tensorBytes(target))
    );
  }

  /** Finds what lives how long. Returns the bytes of all outputs, as an engine without planning would hold. */
  private findSpans(): number {
    let bytes = 0;
    this.nodes.forEach((node, i) => {
      for (const output of node.outputs) {
        if (this.persistent.has(output)) continue;
        bytes += tensorBytes(output);
        if (this.inPlace[i] && output === node.outputs[0]) this.root.set(output, this.rootOf(replacedBy(node)!));
        const key = this.rootOf(output);
        const span = this.spans.get(key);
        const last = this.stays(output) ? this.nodes.length - 1 : this.lastUse.get(output)!;
        if (span) span.last = Math.max(span.last, last);
        else this.spans.set(key, { first: i, last, bytes: tensorBytes(output) });
      }
    });
    // A held tensor lies where it does throughout, from its first write on; what it took over, from there.
    for (const [tensor, { first, offset }] of this.held) {
      const key = this.rootOf(tensor);
      const span = this.spans.get(key);
      const last = this.stays(tensor)
        ? this.nodes.length - 1
        : Math.max(this.lastUse.get(tensor) ?? 0, span?.last ?? 0);
      this.spans.set(key, {
        first: Math.min(first, span?.first ?? first),
        last,
        bytes: Math.max(tensorBytes(tensor), span?.bytes ?? 0),
        at: offset,
      });
    }
    return bytes;
  }

  private lower(room: (i: number) => number): LoweredNode[] {
    return this.nodes.map((node, i) => {
      const before = this.lowered[i];
      if (before && (before.room === undefined || before.room === room(i))) return before;
      const lowered = lowerNode(node, this.inPlace[i]!, room(i), this.nextScratchId, this.settings);
      this.nextScratchId -= lowered.scratch.length;
      return lowered;
    });
  }

  /** Bytes that an arena of this size leaves free at each node for its scratch, that which it has now counted as free. */
  private freeBytes(arenaBytes: number): number[] {
    const alignment = arenaAlignment(this.profile);
    const live = new Float64Array(this.nodes.length);
    for (const { first, last, bytes } of this.spans.values()) {
      for (let i = first; i <= last; i++) live[i]! += alignUp(allocationBytes(bytes), alignment);
    }
    return [...live].map((bytes) => Math.max(0, arenaBytes - bytes));
  }

  private lifetimes(lowered: readonly LoweredNode[]): { readonly tensor: Tensor; readonly lifetime: Lifetime }[] {
    const spans = new Map<Tensor, Span>(this.spans);
    lowered.forEach(({ scratch }, i) => {
      for (const tensor of scratch) spans.set(tensor, { first: i, last: i, bytes: tensorBytes(tensor) });
    });
    return [...spans].map(([tensor, { first, last, bytes, at }], id) => ({
      tensor,
      lifetime: { id, bytes: allocationBytes(bytes), first, last, ...(at === undefined ? {} : { at }) },
    }));
  }

  private place(lowered: readonly LoweredNode[]): Placement {
    const page = arenaPageBytes(this.profile);
    const lifetimes = this.lifetimes(lowered);
    const tooLarge = lifetimes.find(({ tensor }) => tensorBytes(tensor) > page)?.tensor;
    if (tooLarge) {
      throw new DeviceError(
        'device/limit',
        `${this.name}: expected every tensor to fit a buffer of ${page} bytes (this adapter's largest), got ${tooLarge.name} ` +
          `[${tooLarge.shape.join(', ')}], ${tensorBytes(tooLarge)} bytes. Use a smaller picture or batch, or f16 precision.`,
      );
    }
    return planArena(
      lifetimes.map(({ lifetime }) => lifetime),
      arenaAlignment(this.profile),
      page,
    );
  }
}

function bytesOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}
