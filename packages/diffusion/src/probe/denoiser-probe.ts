import { createNoiseSource, type SamplingPlan } from '@pleinair/schedulers';
import {
  compileProgram,
  ShapeError,
  type Device,
  type Graph,
  type PlanOptions,
  type Program,
  type Weight,
} from '@pleinair/tensor';
import { loadWeights, packHalves, type Component } from '@pleinair/weights';
import { writeConditioning, type Conditioning } from '../denoise/conditioning.js';
import { denoise, preparePrompt, prepareSchedule } from '../denoise/denoise-loop.js';
import { STEP_SEGMENT } from '../denoise/denoiser-graph.js';
import type { PipelineShape } from '../parts/pipeline-shape.js';

/** What a probe is asked to denoise. */
export interface ProbePrompt {
  readonly texts: Conditioning;
  /** Of torch's generator, for the noise to begin with. */
  readonly seed: number;
}

/** How a probe denoises. */
export interface ProbeRun {
  /** Its `pictures` are how many prompts go through the network at once. */
  readonly shape: PipelineShape;
  /** A schedule of one evaluation. */
  readonly schedule: SamplingPlan;
  readonly guidance: number;
  /** SDXL's size numbers; absent for UNets without them. */
  readonly timeIds?: Float32Array;
  readonly latent: { readonly width: number; readonly height: number; readonly channels: number };
}

/** Options of {@link DenoiserProbe.open}. */
export interface ProbeOptions {
  readonly plan?: PlanOptions;
  readonly signal?: AbortSignal;
  /** Pipelines compiled so far. */
  readonly onCompiled?: (done: number, total: number) => void;
  /** Bytes of weights loaded so far. */
  readonly onLoaded?: (loaded: number, total: number) => void;
}

/**
 * A UNet that stays on the GPU with all its weights and makes one denoising step again and again, of whatever prompts, while
 * weights are exchanged in between: to find what a change of weights does to its output. Equal weights give equal bits, and
 * a prompt's output does not depend on those beside it. What comes before the loop is computed only where it has changed.
 */
export class DenoiserProbe {
  /** The prompts that what comes before the loop was last computed for, with the weights there are. */
  private prepared: readonly ProbePrompt[] = [];

  private constructor(
    private readonly program: Program,
    private readonly weights: ReadonlyMap<string, readonly Weight[]>,
    private readonly run: ProbeRun,
  ) {}

  /**
   * Compiles a denoiser and loads its weights.
   *
   * @param graph - Recorded by `denoiserGraph` for the run's shape, without palettes where weights are to be exchanged.
   * @param component - The UNet's checkpoint.
   * @throws ShapeError `shape/mismatch` for a schedule of several evaluations; what `compileProgram` and `loadWeights` throw.
   */
  static async open(
    graph: Graph,
    device: Device,
    component: Component,
    run: ProbeRun,
    options: ProbeOptions = {},
  ): Promise<DenoiserProbe> {
    const { evaluations } = run.schedule;
    if (evaluations.length !== 1) {
      throw new ShapeError(
        'shape/mismatch',
        `probe: expected a schedule that evaluates the model once, got ${evaluations.length} evaluations by ` +
          `${run.schedule.scheduler}. Choose a first-order scheduler.`,
      );
    }
    const { signal, onCompiled, onLoaded } = options;
    const program = await compileProgram(graph, device, { ...options.plan, signal, onProgress: onCompiled });
    const probe = new DenoiserProbe(program, byTensor(program.weights), run);
    try {
      await loadWeights(program.weights, component, {
        upload: (weight, piece) => program.uploadWeight(weight, [piece]),
        signal,
        onProgress: ({ loadedBytes, totalBytes }) => onLoaded?.(loadedBytes, totalBytes),
      });
      await program.store.flush();
    } catch (error) {
      program.dispose();
      throw error;
    }
    return probe;
  }

  /**
   * Makes one step of each prompt, as if it were alone, with the weights there are.
   *
   * @returns Latents after it, still scaled, f32 `[channels, h, w]`, in the order of the prompts.
   */
  async denoise(prompts: readonly ProbePrompt[], signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>[]> {
    const { pictures } = this.run.shape;
    const results: Float32Array<ArrayBuffer>[] = [];
    for (let first = 0; first < prompts.length; first += pictures) {
      const wanted = prompts.slice(first, first + pictures);
      // The network's batch is fixed: another one would be other kernels, and other roundings.
      const batch = Array.from({ length: pictures }, (_, i) => wanted[i] ?? wanted.at(-1)!);
      results.push(...(await this.denoiseBatch(batch, signal)).slice(0, wanted.length));
    }
    return results;
  }

  /**
   * Gives a tensor of the checkpoint other values, in every layout its kernels want; the rest stays as it is.
   *
   * @param halves - Half bits, in the checkpoint's order.
   * @throws ShapeError `graph/unknown-name` for a tensor the UNet does not read; what `packHalves` and
   * `Program.replaceWeight` throw. After a failure the tensor is missing.
   */
  async replace(tensor: string, halves: Uint16Array<ArrayBuffer>): Promise<void> {
    const weights = this.weights.get(tensor);
    if (!weights) {
      throw new ShapeError(
        'graph/unknown-name',
        `${tensor}: expected a tensor that the UNet reads, got one of ${this.weights.size} others. Check the layer's name.`,
      );
    }
    if (this.readsBeforeLoop(tensor)) this.prepared = [];
    for (const weight of weights) await this.program.replaceWeight(weight, packHalves(weight, halves));
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    this.program.dispose();
  }

  private async denoiseBatch(
    batch: readonly ProbePrompt[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const { program, run } = this;
    const { shape, schedule: plan, guidance, latent } = run;
    if (!batch.every((prompt, i) => prompt === this.prepared[i])) {
      this.prepared = [];
      writeConditioning(
        program,
        shape,
        batch.map(({ texts }) => texts),
        run.timeIds,
      );
      await preparePrompt(program, signal);
      await prepareSchedule(program, { ...shape, ...shape.solver }, plan, signal);
      this.prepared = batch;
    }
    const noise = batch.map(({ seed }) => createNoiseSource('torch', seed));
    return denoise(program, shape, { plan, noise, guidance, latent, signal });
  }

  /** Whether what is computed before the loop depends on a tensor: keys and values of texts, time embeddings. */
  private readsBeforeLoop(tensor: string): boolean {
    return this.program.plan.segments.some(
      ({ name, weights }) => name !== STEP_SEGMENT && weights.some(({ source }) => source.name === tensor),
    );
  }
}

function byTensor(weights: readonly Weight[]): Map<string, Weight[]> {
  const grouped = new Map<string, Weight[]>();
  for (const weight of weights) grouped.set(weight.source.name, [...(grouped.get(weight.source.name) ?? []), weight]);
  return grouped;
}
