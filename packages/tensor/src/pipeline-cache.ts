import type { Device } from './device.js';
import { KernelError, throwIfCancelled } from './errors.js';
import { stageCompute } from './gpu-flags.js';
import type { Kernel } from './kernel.js';

/** A kernel ready to dispatch. */
export interface Pipeline {
  readonly kernel: Kernel;
  readonly gpu: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** How {@link PipelineCache.compile} goes about it. */
export interface CompileOptions {
  readonly signal?: AbortSignal;
  /** Called after each pipeline of this call. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Pipelines compiled at the same time; the default keeps a page responsive and drivers' threads busy. */
  readonly parallel?: number;
}

/**
 * The pipelines of one device, by kernel key. Each is built once, asynchronously, at most a few at a time: building
 * synchronously, or all at once, freezes a page on its first run.
 */
export class PipelineCache {
  private readonly pipelines = new Map<string, Promise<Pipeline>>();
  private compiled = 0;
  private spentMs = 0;

  constructor(private readonly device: Device) {}

  /** Pipelines built so far. */
  get count(): number {
    return this.compiled;
  }

  /** Milliseconds in which at least one {@link compile} call was waiting for pipelines; overlapping calls add up. */
  get compileMs(): number {
    return this.spentMs;
  }

  /** True when a kernel of this key was built, or is being built: asking for it costs nothing. */
  has(kernelKey: string): boolean {
    return this.pipelines.has(kernelKey);
  }

  /**
   * Builds what is missing of these kernels and gives their pipelines, by kernel key.
   *
   * @throws {@link KernelError} With the compiler's messages.
   * @throws {@link CancelledError}
   * @throws {@link DeviceLostError}
   */
  async compile(kernels: Iterable<Kernel>, options: CompileOptions = {}): Promise<ReadonlyMap<string, Pipeline>> {
    const byKey = new Map<string, Kernel>();
    for (const kernel of kernels) byKey.set(kernel.key, kernel);
    const queue = [...byKey.values()];
    const result = new Map<string, Pipeline>();
    const started = performance.now();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < queue.length) {
        try {
          throwIfCancelled(options.signal, 'compile');
          const kernel = queue[next++]!;
          result.set(kernel.key, await this.get(kernel));
        } catch (error) {
          next = queue.length; // one failure fails the call: leave the rest unbuilt
          throw error;
        }
        options.onProgress?.(result.size, queue.length);
      }
    };
    const workers = Array.from({ length: Math.min(options.parallel ?? 4, queue.length) }, worker);
    try {
      await Promise.all(workers);
    } finally {
      await Promise.allSettled(workers);
      this.spentMs += performance.now() - started;
    }
    return result;
  }

  private get(kernel: Kernel): Promise<Pipeline> {
    const known = this.pipelines.get(kernel.key);
    if (known) return known;
    const building = this.build(kernel);
    this.pipelines.set(kernel.key, building);
    // A failure is reported to whoever asked, and tried again by whoever asks next.
    building.catch(() => this.pipelines.delete(kernel.key));
    return building;
  }

  private async build(kernel: Kernel): Promise<Pipeline> {
    this.device.check();
    const { gpu } = this.device;
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ label: kernel.name, code: kernel.wgsl });
    const layout = gpu.createBindGroupLayout({ label: kernel.name, entries: layoutEntries(kernel) });
    const building = gpu.createComputePipelineAsync({
      label: kernel.name,
      layout: gpu.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    // Settles through `orLost` below; this only keeps a rejection that comes meanwhile from being "unhandled".
    building.catch(() => undefined);
    const invalid = await this.device.orLost(gpu.popErrorScope());
    const failure = (reason: string): Promise<KernelError> => describeFailure(kernel, module, reason);
    if (invalid) throw await failure(invalid.message);
    let pipeline: GPUComputePipeline;
    try {
      pipeline = await this.device.orLost(building);
    } catch (error) {
      this.device.check();
      throw await failure(error instanceof Error ? error.message : String(error));
    }
    this.compiled++;
    return { kernel, gpu: pipeline, layout };
  }
}

function layoutEntries(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const entries: GPUBindGroupLayoutEntry[] = kernel.bindings.map(({ access }, binding) => ({
    binding,
    visibility: stageCompute,
    buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
  }));
  if (kernel.uniformBytes > 0) {
    entries.push({
      binding: kernel.bindings.length,
      visibility: stageCompute,
      buffer: { type: 'uniform', minBindingSize: kernel.uniformBytes },
    });
  }
  return entries;
}

async function describeFailure(kernel: Kernel, module: GPUShaderModule, reason: string): Promise<KernelError> {
  const info = await module.getCompilationInfo().catch(() => undefined);
  const lines = (info?.messages ?? [])
    .filter((m) => m.type === 'error')
    .map(
      (m) => `  ${m.lineNum}:${m.linePos} ${m.message}\n    ${kernel.wgsl.split('\n')[m.lineNum - 1]?.trim() ?? ''}`,
    );
  return new KernelError(kernel.name, lines.length ? lines.join('\n') : `  ${reason.trim()}`);
}
