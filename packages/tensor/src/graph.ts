import type { DType } from './dtype.js';
import { ShapeError } from './errors.js';
import type { GraphNode, Segment } from './graph-node.js';
import type { Tensor } from './tensor.js';
import type { PaletteForm } from './palette.js';
import { storageName, weightByteLength, type Weight, type WeightLayout, type WeightStorage } from './weight.js';

/** Which tensors of the checkpoint are palettized, and how. */
export type PaletteLookup = (name: string) => PaletteForm | undefined;

/**
 * Which tensors of the checkpoint have a low-rank side branch, `x · wᵀ + (x · downᵀ) · upᵀ`, and of what rank: a multiple
 * of 4.
 */
export type LowRankLookup = (name: string) => number | undefined;

/** Options of a {@link Graph}. */
export interface GraphOptions {
  /** Storage type of activations, unless an op says otherwise. */
  readonly dtype: 'f16' | 'f32';
  /** Storage type of weights, unless an op says otherwise. @defaultValue `dtype` */
  readonly weightStorage?: WeightStorage;
  /** The checkpoint's palettized tensors: known before recording, because they decide what kernels read. */
  readonly palettes?: PaletteLookup;
  /**
   * Ops fuse nothing that a layer would multiply before it was ever written: every `LayerInput` lies in tensors. More
   * memory, for those who read layers' inputs.
   *
   * @defaultValue false
   */
  readonly visibleInputs?: boolean;
  /** Side branches beside the checkpoint's tensors: products and convolutions record them with their weight. */
  readonly lowRank?: LowRankLookup;
  /**
   * Bytes of scratch that any node may take even where that raises the peak: for graphs whose peak is so low that it
   * leaves no room for faster kernels.
   *
   * @defaultValue 0
   */
  readonly scratchBytes?: number;
}

/**
 * Records a model as nodes over tensors. Recording allocates nothing; `planProgram` turns the graph into figures and
 * `compileProgram` into something that runs.
 *
 * @example
 * const g = new Graph('double', { dtype: 'f32' });
 * g.segment('run');
 * const x = g.input('x', [1, 8], 'f32');
 * g.output('y', scale(g, x, 2));
 */
export class Graph {
  readonly name: string;
  /** Storage type of activations, unless an op says otherwise. */
  readonly dtype: 'f16' | 'f32';
  /** Storage type of weights, unless an op says otherwise. */
  readonly weightStorage: WeightStorage;
  /** Whether what layers multiply must lie in tensors. */
  readonly visibleInputs: boolean;
  /** Bytes of scratch that any node may take; see {@link GraphOptions}. */
  readonly scratchBytes: number;
  private readonly palettes: PaletteLookup;
  private readonly lowRank: LowRankLookup;
  private nextId = 0;
  private readonly repeats = new Map<string, number>();
  private readonly segmentNodes = new Map<string, GraphNode[]>();
  private current: string | undefined;
  private readonly weightsByKey = new Map<string, Weight>();
  private readonly named = new Map<string, Tensor>();
  private readonly pinned = new Set<Tensor>();
  private readonly heldTensors = new Set<Tensor>();
  private readonly releasedIn = new Map<Tensor, string>();
  private readonly turns: (readonly string[])[] = [];
  private readonly sharing: (readonly string[])[] = [];

  constructor(name: string, options: GraphOptions) {
    this.name = name;
    this.dtype = options.dtype;
    this.weightStorage = options.weightStorage ?? options.dtype;
    this.palettes = options.palettes ?? (() => undefined);
    this.visibleInputs = options.visibleInputs ?? false;
    this.scratchBytes = options.scratchBytes ?? 0;
    this.lowRank = options.lowRank ?? (() => undefined);
  }

  /** Nodes recorded from here on belong to this segment. A segment may be taken up again later. */
  segment(name: string): void {
    if (!this.segmentNodes.has(name)) this.segmentNodes.set(name, []);
    this.current = name;
  }

  /**
   * Says how often a segment runs for one result of the graph, such as once a band of a picture: figures of the whole are
   * sums over such runs.
   */
  repeat(name: string, times: number): void {
    this.repeats.set(name, times);
  }

  /** How often a segment runs for one result of the graph; once unless {@link repeat} says otherwise. */
  timesOf(name: string): number {
    return this.repeats.get(name) ?? 1;
  }

  /**
   * Says that segments run in turns, over and over: what is held for one of them ({@link hold}) is held while any of them
   * runs, and so are their weights.
   */
  inTurns(...names: readonly string[]): void {
    this.turns.push(names);
    this.loadTogether(...names);
  }

  /** The segments that one runs in turns with, itself among them. */
  turnsOf(name: string): readonly string[] {
    return this.turns.find((group) => group.includes(name)) ?? [name];
  }

  /**
   * Says that, where weights come and go with the segments that read them, those of these segments come and go together.
   */
  loadTogether(...names: readonly string[]): void {
    const joined = this.sharing.filter((group) => group.some((name) => names.includes(name)));
    const others = this.sharing.filter((group) => !joined.includes(group));
    this.sharing.splice(0, this.sharing.length, ...others, [...new Set([...joined.flat(), ...names])]);
  }

  /** The segments whose weights come and go with one's, itself among them. */
  loadedWith(name: string): readonly string[] {
    return this.sharing.find((group) => group.includes(name)) ?? [name];
  }

  /** Records what `body` records in another segment, then goes on in the present one. */
  within<T>(name: string, body: () => T): T {
    const outer = this.current;
    this.segment(name);
    try {
      return body();
    } finally {
      this.current = outer;
    }
  }

  /** A tensor that the host (or another program) writes between runs; persistent. */
  input(name: string, shape: readonly number[], dtype: DType = this.dtype): Tensor {
    return this.pin(name, this.tensor(name, shape, dtype));
  }

  /** A tensor that nodes both read and write and that keeps its value between runs (latents, solver history). */
  state(name: string, shape: readonly number[], dtype: DType = this.dtype): Tensor {
    return this.input(name, shape, dtype);
  }

  /** Makes a tensor readable from outside under a name; persistent. Returns it. */
  output(name: string, tensor: Tensor): Tensor {
    return this.pin(name, tensor);
  }

  /**
   * Keeps a tensor in the arena from the first segment that uses it to the last, each run as often as wanted, with others
   * coming and going around it: for large things that segments hand on, which in buffers of their own would lie there
   * while other segments run. Segments are then run in the order in which they were begun, and what it holds before its
   * first write is anything. Returns it.
   */
  hold(tensor: Tensor): Tensor {
    this.heldTensors.add(tensor);
    return tensor;
  }

  /**
   * Gives a held tensor up in the segment being recorded, the last to use it, as if it were made there: its room is free
   * after its last use, and what is made of it may lie in it. That segment can then be run only once for each time that the
   * tensor is filled. Returns it.
   */
  release(tensor: Tensor): Tensor {
    this.releasedIn.set(tensor, this.current ?? '');
    return tensor;
  }

  /** The segment in which a held tensor is given up, if it is. */
  releasedSegment(tensor: Tensor): string | undefined {
    return this.releasedIn.get(tensor);
  }

  /** Tensors kept in the arena between segments. */
  get held(): ReadonlySet<Tensor> {
    return this.heldTensors;
  }

  /** A tensor some node will write. Ops call this for their outputs. */
  tensor(name: string, shape: readonly number[], dtype: DType = this.dtype): Tensor {
    if (shape.some((d) => !Number.isInteger(d) || d < 0)) {
      throw new ShapeError(
        'shape/invalid',
        `${name}: expected whole, non-negative sizes, got [${shape.join(', ')}]. Check the picture size and the model's config.`,
      );
    }
    return { id: this.nextId++, name, shape: [...shape], dtype };
  }

  /** A checkpoint tensor in a layout. Asking twice for the same one in the same layout gives the same weight. */
  weight(
    name: string,
    shape: readonly number[],
    layout: WeightLayout,
    storage: WeightStorage = this.weightStorage,
  ): Weight {
    const palette = layout.paletteOrder ? this.palettes(name) : undefined;
    const key = `${name}|${layout.key}|${storageName({ storage, palette })}`;
    const known = this.weightsByKey.get(key);
    if (known) {
      if (known.source.shape.join() !== shape.join()) {
        throw new ShapeError(
          'shape/mismatch',
          `${name}: expected [${known.source.shape.join(', ')}] as recorded before, got [${shape.join(', ')}]. One checkpoint tensor has one shape.`,
        );
      }
      return known;
    }
    const weight: Weight = {
      id: this.nextId++,
      source: { name, shape: [...shape] },
      layout,
      storage,
      ...(palette ? { palette } : {}),
      byteLength: weightByteLength(layout, shape, { storage, palette }),
    };
    this.weightsByKey.set(key, weight);
    return weight;
  }

  /** Rank of the side branch of a checkpoint tensor; undefined where it has none. */
  rankOf(name: string): number | undefined {
    const rank = this.lowRank(name);
    if (rank === undefined || (Number.isInteger(rank) && rank > 0 && rank % 4 === 0)) return rank;
    throw new ShapeError(
      'shape/invalid',
      `${name}: expected the rank of a side branch to be a positive multiple of 4, got ${rank}. Pad its factors with zeros.`,
    );
  }

  /** Records a node in the current segment. Ops call this; model code calls ops. */
  add(node: GraphNode): void {
    if (this.current === undefined) {
      throw new ShapeError(
        'graph/no-segment',
        `${node.op}: expected a segment, got none. Call graph.segment(name) first.`,
      );
    }
    this.segmentNodes.get(this.current)!.push(node);
  }

  get segments(): readonly Segment[] {
    return [...this.segmentNodes].map(([name, nodes]) => ({ name, nodes }));
  }

  get weights(): readonly Weight[] {
    return [...this.weightsByKey.values()];
  }

  /** Inputs, state and outputs by name. */
  get names(): ReadonlyMap<string, Tensor> {
    return this.named;
  }

  /**
   * Tensors that live between runs: everything named, and whatever one segment writes and another reads.
   */
  persistent(): ReadonlySet<Tensor> {
    const writer = new Map<Tensor, string>();
    const result = new Set(this.pinned);
    for (const [segment, nodes] of this.segmentNodes) {
      for (const node of nodes) for (const out of node.outputs) writer.set(out, segment);
    }
    for (const [segment, nodes] of this.segmentNodes) {
      for (const node of nodes) {
        for (const input of node.inputs) {
          if (!this.heldTensors.has(input) && (writer.get(input) ?? segment) !== segment) result.add(input);
        }
      }
    }
    return result;
  }

  private pin(name: string, tensor: Tensor): Tensor {
    const known = this.named.get(name);
    if (known && known !== tensor) {
      throw new ShapeError(
        'graph/name-taken',
        `${this.name}: expected a new name, got "${name}" again. Names of inputs and outputs are unique.`,
      );
    }
    this.named.set(name, tensor);
    this.pinned.add(tensor);
    return tensor;
  }
}
