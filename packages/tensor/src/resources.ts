import { allocationBytes } from './arena-size.js';
import { boundBytes } from './check-dispatch.js';
import { validationError, type Device, type DeviceBuffer } from './device.js';
import { ShapeError } from './errors.js';
import { bufferUsage } from './gpu-flags.js';
import type { Dispatch } from './kernel.js';
import type { ProgramPlan, SegmentPlan } from './plan.js';
import { alignUp } from './planner.js';
import type { Pipeline } from './pipeline-cache.js';
import { tensorBytes, type Tensor } from './tensor.js';
import type { WeightStore } from './weight-store.js';

/** A dispatch with everything bound, ready to encode. */
export interface Step {
  readonly op: string;
  readonly label: string;
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
}

const tensorUsage = bufferUsage.storage | bufferUsage.copySrc | bufferUsage.copyDst;

/**
 * The buffers of one program and the bind groups over them: the arena that all segments share, a buffer for each
 * persistent tensor, and one for all uniform blocks, which never change.
 */
export class Resources {
  /** The arena's pages, in order; empty where there is none or it was released. */
  private arena: DeviceBuffer[] = [];
  private readonly persistent = new Map<Tensor, DeviceBuffer>();
  private uniforms: DeviceBuffer | undefined;
  private readonly uniformOffsets = new Map<Dispatch, number>();
  private readonly steps = new Map<SegmentPlan, { readonly generation: number; readonly steps: readonly Step[] }>();

  constructor(
    private readonly device: Device,
    private readonly plan: ProgramPlan,
    private readonly weights: WeightStore,
    private readonly pipelines: ReadonlyMap<string, Pipeline>,
  ) {}

  /** Bytes of the arena as it is. */
  get intermediatesBytes(): number {
    return this.arena.reduce((sum, page) => sum + page.bytes, 0);
  }

  /** Bytes of persistent tensors and uniform blocks as they are. */
  get persistentBytes(): number {
    let sum = this.uniforms?.bytes ?? 0;
    for (const buffer of this.persistent.values()) sum += buffer.bytes;
    return sum;
  }

  get pipelineCount(): number {
    return this.pipelines.size;
  }

  /**
   * Makes all buffers and fills the uniform blocks. After a failure, {@link dispose} frees what was made.
   *
   * @throws {@link OutOfMemoryError} {@link DeviceError} {@link DeviceLostError}
   */
  async allocate(): Promise<void> {
    const name = this.plan.graph.name;
    const making: Promise<unknown>[] = this.plan.persistent.map(async (tensor) => {
      const bytes = allocationBytes(tensorBytes(tensor));
      const label = `${name}/${tensor.name}`;
      this.persistent.set(tensor, await this.device.createBuffer('persistent', bytes, tensorUsage, label));
    });
    making.push(this.ensureArena(), this.fillUniforms());
    const outcomes = await Promise.allSettled(making);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Makes the arena where there is none. */
  async ensureArena(): Promise<void> {
    const { intermediatesBytes: bytes, arenaPageBytes, graph } = this.plan;
    if (this.arena.length > 0 || bytes === 0) return;
    const sizes: number[] = [];
    for (let from = 0; from < bytes; from += arenaPageBytes) sizes.push(Math.min(arenaPageBytes, bytes - from));
    const making = sizes.map((size) =>
      this.device.createBuffer('intermediates', size, tensorUsage, `${graph.name}/arena`),
    );
    const outcomes = await Promise.allSettled(making);
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') this.arena.push(outcome.value);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (!failed) return;
    this.releaseArena();
    throw failed.reason;
  }

  /** Frees the arena. */
  releaseArena(): void {
    for (const page of this.arena) page.destroy();
    this.arena = [];
    this.steps.clear();
  }

  /** The buffer of a persistent tensor. */
  bufferOf(tensor: Tensor): GPUBuffer {
    return this.persistent.get(tensor)!.gpu;
  }

  /**
   * The steps of a segment, bound to the buffers there are now; made once and again when weights have moved.
   *
   * @throws {@link PleinairError} `weight/missing`
   * @throws {@link DeviceError} `device/validation` {@link DeviceLostError}
   */
  async stepsOf(segment: SegmentPlan): Promise<readonly Step[]> {
    const known = this.steps.get(segment);
    const { generation } = this.weights;
    if (known?.generation === generation) return known.steps;
    const { gpu } = this.device;
    gpu.pushErrorScope('validation');
    let scope: Promise<GPUError | null>;
    let steps: readonly Step[];
    try {
      steps = this.bindSegment(segment);
    } finally {
      scope = this.device.orLost(gpu.popErrorScope());
      scope.catch(() => undefined);
    }
    const invalid = await scope;
    if (invalid) throw validationError(`${this.plan.graph.name}/${segment.name}`, invalid);
    this.steps.set(segment, { generation, steps });
    return steps;
  }

  /** Frees every buffer. The weight store is its owner's to free. */
  dispose(): void {
    this.releaseArena();
    for (const buffer of this.persistent.values()) buffer.destroy();
    this.persistent.clear();
    this.uniforms?.destroy();
    this.uniforms = undefined;
  }

  private bindSegment(segment: SegmentPlan): Step[] {
    return segment.nodes.flatMap(({ node, dispatches }) =>
      dispatches.map((dispatch): Step => {
        const pipeline = this.pipelines.get(dispatch.kernel.key)!;
        return {
          op: node.op,
          label: node.label,
          dispatch,
          pipeline: pipeline.gpu,
          bindGroup: this.bindGroup(dispatch, pipeline, segment, node.label),
        };
      }),
    );
  }

  private bindGroup(dispatch: Dispatch, pipeline: Pipeline, segment: SegmentPlan, label: string): GPUBindGroup {
    const page = this.plan.arenaPageBytes;
    const entries = dispatch.bindings.map((bound, binding): GPUBindGroupEntry => {
      const size = boundBytes(bound);
      const within = bound.byteOffset ?? 0;
      if ('weight' in bound) {
        return { binding, resource: { buffer: this.weights.buffer(bound.weight), offset: within, size } };
      }
      const offset = segment.offsets.get(bound.tensor);
      return {
        binding,
        resource:
          offset === undefined
            ? { buffer: this.bufferOf(bound.tensor), offset: within, size }
            : { buffer: this.arena[Math.floor(offset / page)]!.gpu, offset: (offset % page) + within, size },
      };
    });
    const size = dispatch.kernel.uniformBytes;
    if (size > 0) {
      const offset = this.uniformOffsets.get(dispatch)!;
      entries.push({ binding: entries.length, resource: { buffer: this.uniforms!.gpu, offset, size } });
    }
    return this.device.gpu.createBindGroup({ label, layout: pipeline.layout, entries });
  }

  private async fillUniforms(): Promise<void> {
    if (this.plan.uniformBytes === 0) return;
    const alignment = this.plan.profile.limits.minUniformBufferOffsetAlignment;
    const blocks = new Uint8Array(this.plan.uniformBytes);
    let offset = 0;
    for (const segment of this.plan.segments) {
      for (const dispatch of segment.nodes.flatMap((n) => n.dispatches)) {
        if (!dispatch.uniforms) continue;
        blocks.set(new Uint8Array(dispatch.uniforms), offset);
        this.uniformOffsets.set(dispatch, offset);
        offset += alignUp(dispatch.kernel.uniformBytes, alignment);
      }
    }
    const usage = bufferUsage.uniform | bufferUsage.copyDst;
    this.uniforms = await this.device.createBuffer(
      'persistent',
      blocks.length,
      usage,
      `${this.plan.graph.name}/uniforms`,
    );
    this.device.gpu.queue.writeBuffer(this.uniforms.gpu, 0, blocks);
  }
}

/**
 * A tensor that lives between runs, by name or itself.
 *
 * @throws {@link ShapeError} `graph/unknown-name` With the names there are.
 */
export function persistentTensor(plan: ProgramPlan, which: string | Tensor): Tensor {
  const tensor = typeof which === 'string' ? plan.graph.names.get(which) : which;
  if (tensor && plan.persistent.includes(tensor)) return tensor;
  throw new ShapeError(
    'graph/unknown-name',
    `${plan.graph.name}: expected one of ${[...plan.graph.names.keys()].join(', ')}, ` +
      `got "${typeof which === 'string' ? which : which.name}". Mark a tensor with graph.output to reach it.`,
  );
}
