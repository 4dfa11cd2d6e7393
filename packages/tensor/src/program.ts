import { allocationBytes } from './arena-size.js';
import type { Device } from './device.js';
import { DeviceError, PleinairError, ShapeError } from './errors.js';
import { runSteps, type RunOptions } from './executor.js';
import { bufferUsage, mapModeRead } from './gpu-flags.js';
import type { Graph } from './graph.js';
import { fromDeviceBytes, toDeviceBytes, type HostData, type WritableData } from './host-data.js';
import type { CompileOptions } from './pipeline-cache.js';
import { isPlan, planProgram, type PlanOptions, type ProgramPlan, type SegmentPlan } from './plan.js';
import { timeSteps, type KernelTime } from './profile-segment.js';
import { persistentTensor, Resources } from './resources.js';
import { tensorBytes, type Tensor } from './tensor.js';
import { timeRepeats, type TimeRepeatsOptions } from './time-repeats.js';
import type { PackedPiece, Weight } from './weight.js';
import { WeightStore } from './weight-store.js';

/** Options of {@link compileProgram}. */
export interface CompileProgramOptions extends PlanOptions, CompileOptions {
  /** Weights to share with other programs of the same component; its owner disposes it. Without, the program has its own. */
  readonly weights?: WeightStore;
  /** Make weight buffers when they are uploaded, not now: for parts that are loaded and released in turn. */
  readonly lazyWeights?: boolean;
}

/** What a program holds on the GPU, counted from its buffers, and what it has run. */
export interface ProgramMemory {
  readonly weightsBytes: number;
  readonly intermediatesBytes: number;
  readonly persistentBytes: number;
  /** Distinct pipelines the program uses. */
  readonly pipelines: number;
  /** Dispatches run to their end so far. */
  readonly dispatches: number;
}

/**
 * Plans a graph for a device, builds its pipelines and allocates its memory: after this, running allocates nothing. A plan
 * that was made for the device already, by {@link planProgram}, is taken as it is; several programs may be made of one.
 *
 * @param options - Those of planning count for a graph only.
 * @throws {@link ShapeError} When the graph is wrong.
 * @throws {@link DeviceError} `device/other-profile` When the plan was made for another adapter.
 * @throws {@link KernelError} {@link OutOfMemoryError} {@link DeviceError} {@link DeviceLostError} {@link CancelledError}
 */
export async function compileProgram(
  what: Graph | ProgramPlan,
  device: Device,
  options: CompileProgramOptions = {},
): Promise<Program> {
  device.check();
  const plan = isPlan(what) ? what : planProgram(what, device.profile, options);
  expectProfile(plan, device);
  const kernels = plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches.map((d) => d.kernel)));
  const pipelines = await device.pipelines.compile(kernels, options);
  const weights = options.weights ?? new WeightStore(device);
  const resources = new Resources(device, plan, weights, pipelines);
  try {
    await resources.allocate();
    if (!options.lazyWeights) await weights.allocate(plan.weights);
  } catch (error) {
    resources.dispose();
    if (!options.weights) weights.dispose();
    throw error;
  }
  return new Program(device, plan, weights, resources, options.weights === undefined);
}

function expectProfile({ graph, profile }: ProgramPlan, device: Device): void {
  if (profile === device.profile || JSON.stringify(profile) === JSON.stringify(device.profile)) return;
  throw new DeviceError(
    'device/other-profile',
    `${graph.name}: expected a plan for ${device.profile.name}, got one for ${profile.name}. Plan it with the device's profile.`,
  );
}

/** A graph compiled for a device. Runs of one program follow one another; programs on one device may overlap. */
export class Program {
  private dispatched = 0;
  private lastRun: Promise<unknown> = Promise.resolve();
  private running = 0;
  private disposed = false;

  /** Made by {@link compileProgram}. */
  constructor(
    readonly device: Device,
    readonly plan: ProgramPlan,
    /** Where the weights are; shared when it was given to {@link compileProgram}. */
    readonly store: WeightStore,
    private readonly resources: Resources,
    private readonly ownsStore: boolean,
  ) {}

  /** Every weight the program reads. */
  get weights(): readonly Weight[] {
    return this.plan.weights;
  }

  get memory(): ProgramMemory {
    return {
      weightsBytes: this.store.bytesOf(this.weights),
      intermediatesBytes: this.resources.intermediatesBytes,
      persistentBytes: this.resources.persistentBytes,
      pipelines: this.resources.pipelineCount,
      dispatches: this.dispatched,
    };
  }

  /**
   * Runs a segment and resolves when the GPU is done with it. After a cancel, tensors the segment writes hold a mixture
   * of old and new values; the next run is sound all the same.
   *
   * @throws {@link PleinairError} `weight/missing` When a weight it reads is not there.
   * @throws {@link CancelledError} {@link DeviceLostError} {@link DeviceError} {@link OutOfMemoryError}
   */
  run(segment: string, options: RunOptions = {}): Promise<void> {
    const plan = this.segment(segment);
    return this.inTurn(async () => {
      await this.resources.ensureArena();
      const steps = await this.resources.stepsOf(plan);
      this.dispatched += await runSteps(this.device, `${this.plan.graph.name}/${segment}`, steps, options);
    });
  }

  /**
   * Writes a persistent tensor.
   *
   * @param data - Values row-major, without padding; for an f16 tensor they are rounded, or half bits in a `Uint16Array`.
   * @throws {@link ShapeError} `shape/mismatch` {@link PleinairError} `program/busy` While a run is going on.
   */
  write(which: string | Tensor, data: WritableData): void {
    this.checkUsable();
    this.checkIdle('write');
    const tensor = persistentTensor(this.plan, which);
    const bytes = toDeviceBytes(tensor, data);
    if (bytes.length > 0) this.device.gpu.queue.writeBuffer(this.resources.bufferOf(tensor), 0, bytes);
  }

  /** Reads a persistent tensor, after the run that is going on, if any. Floats for f16 and f32, else integers. */
  async read(which: string | Tensor): Promise<HostData> {
    const tensor = persistentTensor(this.plan, which);
    return this.inTurn(async () => {
      const { gpu } = this.device;
      const bytes = allocationBytes(tensorBytes(tensor));
      const usage = bufferUsage.mapRead | bufferUsage.copyDst;
      const staging = await this.device.createBuffer('staging', bytes, usage, `${tensor.name}/read`);
      try {
        const encoder = gpu.createCommandEncoder();
        encoder.copyBufferToBuffer(this.resources.bufferOf(tensor), 0, staging.gpu, 0, bytes);
        gpu.queue.submit([encoder.finish()]);
        await this.device.orLost(staging.gpu.mapAsync(mapModeRead));
        return fromDeviceBytes(tensor, staging.gpu.getMappedRange());
      } finally {
        staging.destroy();
      }
    });
  }

  /**
   * Copies a persistent tensor of this program into one of another program on the same device, on the GPU.
   *
   * @throws {@link ShapeError} `shape/mismatch` When shape or dtype differ.
   */
  copyTensor(from: string | Tensor, other: Program, to: string | Tensor): void {
    this.checkUsable();
    other.checkUsable();
    this.checkIdle('copyTensor');
    other.checkIdle('copyTensor');
    const source = persistentTensor(this.plan, from);
    const target = persistentTensor(other.plan, to);
    if (source.dtype !== target.dtype || source.shape.join() !== target.shape.join() || other.device !== this.device) {
      throw new ShapeError(
        'shape/mismatch',
        `copyTensor: expected ${target.name} to be ${source.dtype} [${source.shape.join(', ')}] on the same device, ` +
          `got ${target.dtype} [${target.shape.join(', ')}]. Compile both programs for the same sizes.`,
      );
    }
    const encoder = this.device.gpu.createCommandEncoder();
    const bytes = allocationBytes(tensorBytes(source));
    encoder.copyBufferToBuffer(this.resources.bufferOf(source), 0, other.resources.bufferOf(target), 0, bytes);
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  /** The GPU buffer of a persistent tensor, to draw from or to bind elsewhere. It lives as long as the program. */
  bufferOf(which: string | Tensor): GPUBuffer {
    this.checkUsable();
    return this.resources.bufferOf(persistentTensor(this.plan, which));
  }

  /** Uploads pieces of a weight; see {@link WeightStore.upload}. */
  async uploadWeight(weight: Weight, pieces: Iterable<PackedPiece> | AsyncIterable<PackedPiece>): Promise<void> {
    this.checkUsable();
    await this.store.upload(weight, pieces);
  }

  /** Gives a weight other bytes, after the run that is going on; see {@link WeightStore.replace}. */
  replaceWeight(weight: Weight, pieces: Iterable<PackedPiece> | AsyncIterable<PackedPiece>): Promise<void> {
    return this.inTurn(() => this.store.replace(weight, pieces));
  }

  /**
   * Frees weights, after the run that is going on: those no later segment reads, or all, to load something else. Returns
   * the bytes freed. A weight can be uploaded again.
   */
  releaseWeights(predicate: (weight: Weight) => boolean = () => true): Promise<number> {
    return this.inTurn(() => Promise.resolve(this.store.release(this.weights, predicate)));
  }

  /** Frees the weights that none of these segments reads, after the run that is going on. Returns the bytes freed. */
  keepWeightsOf(...segments: string[]): Promise<number> {
    const kept = new Set(segments.flatMap((name) => this.segment(name).weights));
    return this.releaseWeights((weight) => !kept.has(weight));
  }

  /** Frees the arena, after the run that is going on. The next run makes it anew. */
  releaseIntermediates(): Promise<void> {
    return this.inTurn(() => Promise.resolve(this.resources.releaseArena()));
  }

  /**
   * Runs a segment with a time stamp before and after each dispatch: slower than {@link run}, the same results.
   *
   * @throws {@link DeviceError} `device/missing-feature` Where there is no `timestamp-query`.
   */
  profileSegment(segment: string): Promise<readonly KernelTime[]> {
    const plan = this.segment(segment);
    return this.inTurn(async () => {
      await this.resources.ensureArena();
      const steps = await this.resources.stepsOf(plan);
      const times = await timeSteps(this.device, `${this.plan.graph.name}/${segment}`, steps);
      this.dispatched += steps.length;
      return times;
    });
  }

  /**
   * Runs a segment several times in one submission and gives the milliseconds until the GPU was done; for measuring
   * short segments.
   *
   * @throws As {@link run}.
   */
  timeRepeats(segment: string, options: TimeRepeatsOptions = {}): Promise<number> {
    const plan = this.segment(segment);
    return this.inTurn(async () => {
      await this.resources.ensureArena();
      const steps = await this.resources.stepsOf(plan);
      const ms = await timeRepeats(this.device, `${this.plan.graph.name}/${segment}`, steps, options);
      this.dispatched += steps.length * (options.repeats ?? 1);
      return ms;
    });
  }

  /** Frees everything the program made; the weights too, unless they are in a shared store. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.resources.dispose();
    if (this.ownsStore) this.store.dispose();
  }

  private segment(name: string): SegmentPlan {
    const plan = this.plan.segments.find((s) => s.name === name);
    if (plan) return plan;
    throw new ShapeError(
      'graph/unknown-name',
      `${this.plan.graph.name}: expected a segment (${this.plan.segments.map((s) => s.name).join(', ')}), got "${name}".`,
    );
  }

  /** Runs jobs one after another, whether the ones before went well or not. */
  private inTurn<T>(job: () => Promise<T>): Promise<T> {
    this.running++;
    const turn = this.lastRun.then(() => {
      this.checkUsable();
      return job();
    });
    const settled = turn.finally(() => this.running--);
    this.lastRun = settled.catch(() => undefined);
    return settled;
  }

  private checkUsable(): void {
    this.device.check();
    if (!this.disposed) return;
    throw new PleinairError(
      'program/disposed',
      `${this.plan.graph.name}: expected a live program, got a disposed one. Compile it again.`,
    );
  }

  private checkIdle(what: string): void {
    if (this.running === 0) return;
    throw new PleinairError(
      'program/busy',
      `${this.plan.graph.name}: expected no run to be going on at ${what}, got one. Await it first.`,
    );
  }
}
