import {
  branchOf,
  CancelledError,
  compileProgram,
  throwIfCancelled,
  WeightStore,
  type Device,
  type Program,
  type ProgramPlan,
  type RunOptions,
  type Weight,
} from '@pleinair/tensor';
import { loadWeights, openComponent, type Component, type ModelSource } from '@pleinair/weights';
import type { PartAdapters } from '../adapters/part-adapters.js';
import type { MemoryPolicy } from './memory-policy.js';
import type { PartKind, PartSpec } from './part-spec.js';

/** Loading of a part, or its work. */
export interface PartProgress {
  readonly part: string;
  /**
   * `tuning`: its kernels are timed against one another. `run`: the part works; only of those that run once a picture, as
   * the UNet's steps are told by `onStep`.
   */
  readonly phase: 'tuning' | 'kernels' | 'weights' | 'run';
  /** Bytes of weights, pipelines, or dispatches; of a tuning milliseconds of its budget, or comparisons of a full one. */
  readonly loaded: number;
  readonly total: number;
}

/** How a part is used once. */
export interface PartUse {
  readonly signal?: AbortSignal;
  /** What stays on the GPU, and how long. */
  readonly policy: MemoryPolicy;
  readonly onProgress?: (progress: PartProgress) => void;
  /** Told the milliseconds spent on loading weights, so that they can be counted apart. */
  readonly onLoadTime?: (ms: number) => void;
  /** Told the milliseconds spent on planning and compiling, next to none where the program was there, and the plan. */
  readonly onCompiled?: (ms: number, plan: ProgramPlan) => void;
}

/** Where a part's weights come from. */
export interface PartOptions {
  readonly source: ModelSource;
  /** Which checkpoint files to take where there are both. */
  readonly prefer: 'fp16' | 'full';
}

/**
 * One part of the model on the GPU: its compiled program for the shape last used, its weights, and the rules of the
 * memory mode about when each is there.
 */
export class Part<Name extends string = string> {
  private checkpoint: Promise<Component> | undefined;
  private store: WeightStore | undefined;
  private adapters: PartAdapters | undefined;
  private current: Program | undefined;

  constructor(
    readonly spec: PartSpec<Name>,
    private readonly device: Device,
    private readonly options: PartOptions,
  ) {}

  get name(): Name {
    return this.spec.name;
  }

  get kind(): PartKind {
    return this.spec.kind;
  }

  /**
   * Runs `body` with the part's program, then gives back what the memory policy does not keep, also after a failure.
   *
   * @param plan - Of the part for a shape. The program of the plan used last is kept where weights are.
   */
  async use<T>(plan: ProgramPlan, use: PartUse, body: (program: Program) => Promise<T>): Promise<T> {
    const keeps = use.policy.keeps(this.kind);
    const started = performance.now();
    const program = await this.program(plan, use);
    use.onCompiled?.(performance.now() - started, plan);
    try {
      const result = await body(program);
      if (keeps) await program.releaseIntermediates();
      return result;
    } catch (error) {
      // A cancelled run leaves weights as they were, and loading skips those that had not come whole. After anything
      // else nothing of this part is trusted or kept.
      const sound = keeps && error instanceof CancelledError;
      if (sound) await program.releaseIntermediates().catch(() => this.dispose());
      else this.dispose();
      throw error;
    } finally {
      if (!keeps) this.dispose();
    }
  }

  /**
   * Opens the part's files, so that what is missing or damaged is told before any work. Reads headers only.
   *
   * @throws What `openComponent` throws.
   */
  async open(signal?: AbortSignal): Promise<Component> {
    const { source, prefer } = this.options;
    this.checkpoint ??= openComponent(source, this.spec.folder, { prefer, signal });
    try {
      return await this.checkpoint;
    } catch (error) {
      this.checkpoint = undefined; // the next try may find the server up again
      throw error;
    }
  }

  /** Says what LoRAs change of the part; to be called before it is planned. */
  adapt(adapters: PartAdapters): void {
    this.adapters = adapters;
  }

  /** Gives back the weights that hold other bytes now that scales have changed; the next use loads them again. */
  async rescaled(): Promise<void> {
    const { adapters, current } = this;
    if (current && adapters) await current.releaseWeights((weight) => adapters.dependsOnScales(weight));
    else this.dispose();
  }

  /** Options of a run that report its progress. */
  running(use: PartUse): RunOptions {
    return {
      signal: use.signal,
      onSlice: ({ done, total }) => use.onProgress?.({ part: this.name, phase: 'run', loaded: done, total }),
    };
  }

  /**
   * Makes the weights of a segment, and of those that are loaded with it, ready. Where the policy says so all others are freed first, so that the part never
   * holds more than one segment needs; else all the part's weights are made ready.
   */
  async ready(program: Program, segment: string, use: PartUse): Promise<void> {
    const started = performance.now();
    const bySegment = use.policy.bySegment(this.kind);
    const segments = program.plan.graph.loadedWith(segment);
    if (bySegment) await program.keepWeightsOf(...segments);
    const wanted = bySegment ? weightsOf(program, segments) : program.weights;
    const missing = wanted.filter((weight) => !program.store.isFilled(weight));
    const isBranch = ({ source }: Weight): boolean => branchOf(source.name) !== undefined;
    const plain = missing.filter((weight) => !isBranch(weight));
    if (plain.length > 0) {
      await loadWeights(plain, await this.open(use.signal), {
        merge: this.adapters?.merge,
        upload: (weight, piece) => program.uploadWeight(weight, [piece]),
        signal: use.signal,
        onProgress: ({ loadedBytes, totalBytes }) =>
          use.onProgress?.({ part: this.name, phase: 'weights', loaded: loadedBytes, total: totalBytes }),
      });
    }
    if (this.adapters && plain.length < missing.length) {
      const pieces = this.adapters.pieces(missing.filter(isBranch), { signal: use.signal });
      for await (const [weight, piece] of pieces) await program.uploadWeight(weight, [piece]);
    }
    if (missing.length > 0) await program.store.flush();
    use.onLoadTime?.(performance.now() - started);
  }

  /** Lets go of the compiled program, so that the next use plans anew; weights stay. */
  forget(): void {
    this.current?.dispose();
    this.current = undefined;
  }

  /** Frees everything of this part on the GPU. */
  dispose(): void {
    this.forget();
    this.store?.dispose();
    this.store = undefined;
  }

  private async program(plan: ProgramPlan, use: PartUse): Promise<Program> {
    if (this.current?.plan === plan) return this.current;
    this.forget();
    throwIfCancelled(use.signal, `compiling ${this.name}`);
    this.store ??= new WeightStore(this.device);
    const program = await compileProgram(plan, this.device, {
      weights: this.store,
      lazyWeights: true,
      signal: use.signal,
      onProgress: (done, total) => use.onProgress?.({ part: this.name, phase: 'kernels', loaded: done, total }),
    });
    // Kernels chosen for another shape may have wanted weights in other layouts.
    this.store.keepOnly(program.weights);
    this.current = program;
    return program;
  }
}

function weightsOf(program: Program, segments: readonly string[]): readonly Weight[] {
  const own = program.plan.segments.filter(({ name }) => segments.includes(name));
  return [...new Set(own.flatMap(({ weights }) => weights))];
}
