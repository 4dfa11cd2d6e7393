import {
  DenoiserProbe,
  latentSize,
  openTokenizer,
  solverShape,
  type Conditioning,
  type PartUse,
  type PipelineShape,
  type ProbePrompt,
  type TokenizedPrompts,
} from '@pleinair/diffusion';
import {
  fingerprintOf,
  PalettizeError,
  ProbeEngine,
  type Calibration,
  type CalibrationSaves,
  type LayerWeights,
  type ModelProbe,
  type Progress,
} from '@pleinair/palettize';
import { schedulerFromConfig, type SamplingPlan } from '@pleinair/schedulers';
import type { Device, PlanOptions } from '@pleinair/tensor';
import { openComponent, palettizedEntries, type Component, type ModelSource } from '@pleinair/weights';
import { readSdxlFiles } from '../files.js';
import { partFolders, partGraph, visibleUnetGraph } from '../graphs.js';
import { readSdxlConfig, type SdxlConfig } from '../model-config.js';
import { sdxlModel } from '../sdxl-model.js';
import { timeIds } from '../time-ids.js';
import { encodeAll, tokenizeAll } from './analysis-prompts.js';
import { calibrationRuns, calibrationSteps, inputMomentsOf } from './calibrate.js';

/** The published analysis measures pictures of this size; models made for smaller ones are measured at their own. */
const publishedSize = 768;

/** Latent pixels of small pictures that go through the UNet together: those of one of 1024². */
const batchPixels = 128 * 128;

/** What an analysis of an SDXL model is made with. */
export interface SdxlAnalysisOptions {
  /** Of one chunk each. */
  readonly prompts: readonly string[];
  /** Of torch's generator: prompt i begins with the noise of seed + i, in every run. @defaultValue 0 */
  readonly seed?: number;
  /** Pixels. @defaultValue the model's own, at most 768 */
  readonly width?: number;
  readonly height?: number;
  /** @defaultValue the model's own */
  readonly guidance?: number;
  /**
   * Prompts that go through the UNet at once. Results differ by rounding between numbers. @defaultValue as many as have no
   * more pixels than one picture of 1024², at most all
   */
  readonly together?: number;
  readonly signal?: AbortSignal;
}

/** How {@link SdxlAnalysis.engine} loads and runs the model. */
export interface SdxlEngineOptions {
  /** Made of {@link SdxlAnalysis.unet}. */
  readonly weights: Pick<LayerWeights, 'get'>;
  readonly plan?: PlanOptions;
  readonly signal?: AbortSignal;
  /** Loading and compiling, whenever it happens; text encoders' work. */
  readonly onProgress?: PartUse['onProgress'];
}

/** How {@link SdxlAnalysis.calibrate} runs the model. */
export interface SdxlCalibrationOptions extends Omit<SdxlEngineOptions, 'weights'> {
  /** Weights of the UNet whose layers' inputs are wanted, by their names in the checkpoint. */
  readonly tensors: readonly string[];
  /** Bytes of inputs that are kept on the GPU at once. @defaultValue 1 GB */
  readonly keptBytes?: number;
  /** Where it is kept how far it is, and looked for first: after an end at any point it goes on. @defaultValue nowhere */
  readonly saves?: CalibrationSaves;
  /** Model runs so far, and the time left. */
  readonly onRuns?: (progress: Progress) => void;
}

/** What {@link SdxlAnalysis.calibrate} found. */
export interface SdxlCalibration {
  readonly calibration: Calibration;
  /** Model runs it took: prompts times evaluations, for each set of layers that were looked at together. */
  readonly runs: number;
}

/**
 * An SDXL model opened to have its UNet's weights analysed. Only configurations, tokenizers and headers are read until an
 * engine is made.
 *
 * What is measured is the published metric's: latents after one denoising step by the model's own schedule, under guidance
 * at the model's own scale, without a negative prompt.
 */
export class SdxlAnalysis {
  private constructor(
    private readonly source: ModelSource,
    readonly config: SdxlConfig,
    /** The UNet's checkpoint. */
    readonly unet: Component,
    private readonly tokenized: readonly TokenizedPrompts[],
    private readonly made: {
      readonly prompts: readonly string[];
      readonly seed: number;
      readonly width: number;
      readonly height: number;
      readonly guidance: number;
      readonly together: number;
    },
  ) {}

  /**
   * Opens a model in diffusers layout.
   *
   * @throws What `openSdxl` throws; `PalettizeError` `palettize/already-palettized`, `palettize/invalid-argument`;
   * ShapeError `shape/size`.
   */
  static async open(source: ModelSource, options: SdxlAnalysisOptions): Promise<SdxlAnalysis> {
    const { prompts, seed = 0, signal } = options;
    const config = readSdxlConfig(await readSdxlFiles(source, { signal }));
    const { defaults } = config;
    const { width = Math.min(defaults.width, publishedSize), height = Math.min(defaults.height, publishedSize) } =
      options;
    const latent = latentSize(config.vae, width, height);
    const guidance = options.guidance ?? defaults.guidance;
    const fitting = Math.max(1, Math.floor(batchPixels / (latent.width * latent.height)));
    const together = options.together ?? Math.min(prompts.length, fitting);
    const tokenizers = await Promise.all(
      sdxlModel(config).texts.map((text) => openTokenizer(source, text.tokenizer, text.config, signal)),
    );
    const tokenized = tokenizeAll(config, tokenizers, prompts, guidance > 1);
    const unet = await openComponent(source, partFolders.unet, { prefer: 'fp16', signal });
    if (palettizedEntries(unet).size > 0) {
      throw new PalettizeError(
        'palettize/already-palettized',
        `unet in ${source.describe()}: expected plain weights, got palettized ones. Analyse the model they were made of.`,
      );
    }
    return new SdxlAnalysis(source, config, unet, tokenized, { prompts, seed, width, height, guidance, together });
  }

  /** Prompts that go through the UNet at once. */
  get promptsTogether(): number {
    return this.made.together;
  }

  /**
   * What measurements depend on beside the weights that are tried: to tell a half-done analysis that can be gone on with
   * from another.
   */
  async settings(device: Device, signal?: AbortSignal): Promise<Record<string, unknown>> {
    const { scheduler } = this.config;
    return { ...this.made, scheduler, unet: await fingerprintOf(this.unet, signal), adapter: device.profile.name };
  }

  /**
   * Encodes the prompts, loads the UNet and runs it on each of them. The UNet stays on the GPU until the engine is disposed.
   *
   * @throws What compiling, loading and running throw; as `ProbeEngine.open`.
   */
  async engine(device: Device, options: SdxlEngineOptions): Promise<ProbeEngine> {
    const { signal, onProgress } = options;
    const { source, config, tokenized } = this;
    const texts = await encodeAll(source, device, config, this.shape('f16'), tokenized, { signal, onProgress });
    return ProbeEngine.open(
      {
        prompts: tokenized.length,
        weights: options.weights,
        open: (precision, stop) => this.probe(precision, device, texts, { ...options, signal: stop }),
      },
      signal,
    );
  }

  /**
   * Finds out what the inputs of layers are like, by running the prompts: the metric's single step, and a schedule of three
   * steps, with noise that no measurement begins with.
   *
   * @throws What compiling, loading, running and `saves` throw; `PalettizeError` `palettize/not-finite`. The GPU is left as
   * it was.
   */
  async calibrate(device: Device, options: SdxlCalibrationOptions): Promise<SdxlCalibration> {
    const { plan, signal, onProgress, tensors, keptBytes, saves, onRuns } = options;
    const { source, config, tokenized, unet } = this;
    const { width, height, guidance, seed } = this.made;
    const texts = await encodeAll(source, device, config, this.shape('f16'), tokenized, { signal, onProgress });
    const own = this.schedule;
    const several = schedulerFromConfig(config.scheduler).plan(calibrationSteps);
    const schedules = several.slots === own.slots ? [own, several] : [own];
    const together = largestDivisor(texts.length, this.made.together);
    const shape = { ...this.shape('f16'), pictures: together, solver: solverOf(schedules) };
    const runs = calibrationRuns({ texts, schedules, together, seed: seed + texts.length });
    let graphs = 0;
    const calibration = await inputMomentsOf(device, {
      record: () => visibleUnetGraph(config, shape),
      component: unet,
      tensors,
      run: {
        shape,
        guidance,
        latent: { ...latentSize(config.vae, width, height), channels: config.vae.latentChannels },
        timeIds: timeIds(height, width),
      },
      runs,
      keptBytes,
      plan,
      signal,
      onCompiled: (loaded, total) => onProgress?.({ part: 'unet', phase: 'kernels', loaded, total }),
      onLoaded: (loaded, total) => onProgress?.({ part: 'unet', phase: 'weights', loaded, total }),
      saves,
      onRuns,
      onLayers: () => graphs++,
    });
    const evaluations = runs.reduce((sum, run) => sum + run.prompts.length * run.schedule.evaluations.length, 0);
    return { calibration, runs: graphs * evaluations };
  }

  private async probe(
    precision: 'f16' | 'f32',
    device: Device,
    texts: readonly Conditioning[],
    { plan, signal, onProgress }: SdxlEngineOptions,
  ): Promise<ModelProbe> {
    const { config, unet } = this;
    const { width, height, guidance, seed } = this.made;
    const shape = this.shape(precision);
    const latent = { ...latentSize(config.vae, width, height), channels: config.vae.latentChannels };
    const tell = (phase: 'kernels' | 'weights') => (loaded: number, total: number) =>
      onProgress?.({ part: 'unet', phase, loaded, total });
    const run = { shape, schedule: this.schedule, guidance, latent, timeIds: timeIds(height, width) };
    const prompts = texts.map((each, i): ProbePrompt => ({ texts: each, seed: seed + i }));
    const probe = await DenoiserProbe.open(partGraph(config, shape, 'unet'), device, unet, run, {
      plan,
      signal,
      onCompiled: tell('kernels'),
      onLoaded: tell('weights'),
    });
    return {
      run: (which, stop) =>
        probe.denoise(
          which.map((i) => prompts[i]!),
          stop,
        ),
      replace: (tensor, halves) => probe.replace(tensor, halves),
      dispose: () => probe.dispose(),
    };
  }

  private get schedule() {
    return schedulerFromConfig(this.config.scheduler).plan(1);
  }

  private shape(precision: 'f16' | 'f32'): PipelineShape {
    const { width, height, guidance, together } = this.made;
    return {
      width,
      height,
      pictures: together,
      guided: guidance > 1,
      halves: 'together',
      chunks: 1,
      precision,
      solver: solverShape(this.schedule),
    };
  }
}

/** What graphs for several schedules of one solver depend on. */
function solverOf(schedules: readonly SamplingPlan[]): PipelineShape['solver'] {
  const each = schedules.map(solverShape);
  return {
    slots: each[0]!.slots,
    drawsNoise: each.some(({ drawsNoise }) => drawsNoise),
    evaluations: Math.max(...each.map(({ evaluations }) => evaluations)),
  };
}

/** The largest number up to `most` that divides `n`. */
function largestDivisor(n: number, most: number): number {
  let found = Math.min(n, most);
  while (n % found !== 0) found--;
  return found;
}
