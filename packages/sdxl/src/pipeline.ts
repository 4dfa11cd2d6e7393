import {
  Clock,
  decodedSize,
  denoise,
  latentSize,
  Part,
  PartTuning,
  preparePrompt,
  prepareSchedule,
  PROMPT_SEGMENT,
  SCHEDULE_SEGMENT,
  solverShape,
  STEP_SEGMENT,
  toChannelsLast,
  tuningWorks,
  writeConditioning,
  type MemoryMode,
  type PartUse,
} from '@pleinair/diffusion';
import type { Tuner, Tuning, TuningWork } from '@pleinair/kernels';
import { createNoiseSource, schedulerFromConfig, type SamplingPlan } from '@pleinair/schedulers';
import {
  planProgram,
  PleinairError,
  ShapeError,
  throwIfCancelled,
  type Device,
  type Graph,
  type PlanOptions,
} from '@pleinair/tensor';
import type { ClipTokenizer } from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { encodePrompts, tokenizePrompts } from './encode-text.js';
import { readSdxlFiles } from './files.js';
import { partFolders, partGraph, partNames, type PartName, type PipelineShape } from './graphs.js';
import { readSdxlConfig, type SdxlConfig } from './model-config.js';
import type { Picture, TextToImageRequest, TextToImageResult, TuneRequest } from './request.js';
import { timeIds } from './time-ids.js';
import { openTokenizer } from './tokenizers.js';

/** How a pipeline keeps and stores things. */
export interface SdxlPipelineOptions {
  /** Storage of weights and activations on the GPU. @defaultValue 'f16' */
  readonly precision?: 'f16' | 'f32';
  /** @defaultValue 'low' */
  readonly memory?: MemoryMode;
  /** Finds the fastest kernels for the device before the first picture of a shape. Without one, heuristics choose. */
  readonly tuner?: Tuner;
  /** Options of every part's plan; what its `pick` decides, the tuner leaves alone. */
  readonly plan?: PlanOptions;
  readonly signal?: AbortSignal;
}

/** SDXL text to image. Reads configs and tokenizers when opened; weights when they are first needed. */
export class SdxlPipeline {
  private readonly parts: Readonly<Record<PartName, Part<PartName>>>;
  private busy = false;
  /** Shapes known to fit the adapter. */
  private readonly fits = new Set<string>();

  private constructor(
    readonly device: Device,
    readonly config: SdxlConfig,
    private readonly tokenizers: readonly [ClipTokenizer, ClipTokenizer],
    source: ModelSource,
    private readonly precision: 'f16' | 'f32',
    mode: MemoryMode,
    private readonly tuning: PartTuning,
  ) {
    const prefer = precision === 'f32' ? 'full' : 'fp16';
    this.parts = Object.fromEntries(
      partNames.map((name) => [name, new Part(name, device, { source, folder: partFolders[name], mode, prefer })]),
    ) as Record<PartName, Part<PartName>>;
  }

  /** Opens a model in diffusers layout. Throws where it is not SDXL or lacks a part's description. */
  static async open(source: ModelSource, device: Device, options: SdxlPipelineOptions = {}): Promise<SdxlPipeline> {
    const { signal } = options;
    const config = readSdxlConfig(await readSdxlFiles(source, { signal }));
    const [first, second] = await Promise.all([
      openTokenizer(source, 'tokenizer', config.textEncoder, signal),
      openTokenizer(source, 'tokenizer_2', config.textEncoder2, signal),
    ]);
    return new SdxlPipeline(
      device,
      config,
      [first, second],
      source,
      options.precision ?? 'f16',
      options.memory ?? 'low',
      new PartTuning(options.tuner, options.plan),
    );
  }

  /** Makes pictures. One call at a time; a second one meanwhile throws. */
  generate(request: TextToImageRequest): Promise<TextToImageResult> {
    return this.alone('generate', () => this.run(request));
  }

  /**
   * Times kernels against one another for a picture size, for prompts of one chunk, and remembers the fastest. Needs no
   * weights. Pictures made afterwards take what was found.
   *
   * @throws `CancelledError` `DeviceLostError`; ShapeError `shape/size`.
   */
  tune(request: TuneRequest = {}): Promise<Tuning> {
    const { config } = this;
    const { signal, again, onProgress: onTuning, mode = 'full' } = request;
    const shape: PipelineShape = {
      width: request.width ?? config.defaults.width,
      height: request.height ?? config.defaults.height,
      pictures: 1,
      guided: (request.guidance ?? config.defaults.guidance) > 1,
      halves: request.guidanceHalves ?? 'together',
      chunks: 1,
      precision: this.precision,
      solver: solverShape(schedulerFromConfig(config.scheduler).plan(request.steps ?? config.defaults.steps)),
    };
    const works = this.worksOf(shape, partNames);
    return this.alone('tune', () =>
      this.tuning.tune(JSON.stringify([shape, partNames]), works, { mode, again, signal, onTuning }),
    );
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    for (const part of Object.values(this.parts)) part.dispose();
  }

  private worksOf(shape: PipelineShape, parts: readonly PartName[]): TuningWork[] {
    return tuningWorks(parts, (part) => partGraph(this.config, shape, part), shape);
  }

  private async alone<T>(what: string, body: () => Promise<T>): Promise<T> {
    if (this.busy) {
      throw new PleinairError(
        'program/busy',
        `${what}: expected no other call to be running, got one. Await it, or load the model a second time.`,
      );
    }
    this.busy = true;
    try {
      return await body();
    } finally {
      this.busy = false;
    }
  }

  private async run(request: TextToImageRequest): Promise<TextToImageResult> {
    const { config, device } = this;
    const { signal } = request;
    const run = this.prepare(request);
    const { shape, plan, seeds, guidance, tokenized } = run;
    throwIfCancelled(signal, 'generate');

    const clock = new Clock();
    const needed = request.output === 'latent' ? partNames.filter((name) => name !== 'vae_decoder') : partNames;
    await Promise.all(needed.map((name) => this.parts[name].open(signal)));
    const chosen = await this.tuning.planFor(JSON.stringify([shape, needed]), () => this.worksOf(shape, needed), {
      signal,
      onProgress: request.onProgress,
      onTuneTime: (ms) => clock.tuned(ms),
    });
    // What tuning held is gone; from here on the plan tells what is held.
    device.memory.resetPeak();
    const use: PartUse = {
      signal,
      plan: chosen.plan,
      onProgress: request.onProgress,
      onLoadTime: (ms) => clock.loaded(ms),
    };
    const encoded = await clock.time('textMs', () => encodePrompts(config, this.parts, shape, tokenized, use));
    const { unet } = this.parts;
    const record = (): Graph => partGraph(config, shape, 'unet');
    const latents = await clock.time('denoiseMs', () =>
      unet.use(JSON.stringify(shape), record, use, async (program) => {
        await unet.ready(program, PROMPT_SEGMENT, use);
        writeConditioning(program, shape, encoded, timeIds(shape.height, shape.width, request.conditioning));
        await preparePrompt(program, signal);
        await unet.ready(program, SCHEDULE_SEGMENT, use);
        await prepareSchedule(program, { ...shape, ...shape.solver }, plan, signal);
        await unet.ready(program, STEP_SEGMENT, use);
        const results: Float32Array<ArrayBuffer>[] = [];
        for (const picture of seeds.keys()) {
          const started = performance.now();
          const onStep = (step: number, timestep: number): void =>
            request.onStep?.({
              picture,
              step,
              steps: plan.evaluations.length,
              timestep,
              stepsPerSecond: (step * 1000) / (performance.now() - started),
            });
          const noise = [run.noise[picture]!];
          results.push(
            ...(await denoise(program, shape, { plan, noise, guidance, latent: run.latent, signal, onStep })),
          );
        }
        return results;
      }),
    );
    const { width, height } = shape;
    const images =
      request.output === 'latent'
        ? latents.map((l, i) => ({ seed: seeds[i]!, width, height, rgba: new Uint8ClampedArray(0), latents: l }))
        : await clock.time('decodeMs', () => this.decode(shape, latents, seeds, use, request.onImage));
    const timings = clock.timings();
    const { peak } = device.memory;
    return {
      images,
      seed: seeds[0]!,
      steps: run.steps,
      guidance,
      scheduler: request.scheduler ?? plan.scheduler,
      rng: request.rng ?? 'torch',
      width,
      height,
      timings,
      stepsPerSecond: (plan.evaluations.length * images.length * 1000) / timings.denoiseMs,
      memory: {
        weightsBytes: peak.weights,
        intermediatesBytes: peak.intermediates,
        persistentBytes: peak.persistent,
        peakBytes: device.memory.peakPlanned,
      },
      notes: [...run.notes, ...chosen.notes],
    };
  }

  /**
   * Works out everything that can be known before the GPU does anything, so that a wrong request fails at once: sizes,
   * schedule, seeds, tokens, and whether every part fits the adapter's limits.
   */
  private prepare(request: TextToImageRequest) {
    const { config } = this;
    const width = request.width ?? config.defaults.width;
    const height = request.height ?? config.defaults.height;
    const steps = request.steps ?? config.defaults.steps;
    const guidance = request.guidance ?? config.defaults.guidance;
    const count = request.count ?? 1;
    if (!Number.isInteger(count) || count < 1) {
      throw new ShapeError(
        'shape/count',
        `generate: expected a count of at least 1, got ${count}. Ask for one picture.`,
      );
    }
    const latent = { ...latentSize(config.vae, width, height), channels: config.vae.latentChannels };
    const plan: SamplingPlan = schedulerFromConfig(
      config.scheduler,
      request.scheduler ? { scheduler: request.scheduler } : {},
    ).plan(steps, { eta: request.eta });
    const seed = request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
    const seeds = Array.from({ length: count }, (_, i) => seed + i);
    const noise = seeds.map((each) => createNoiseSource(request.rng ?? 'torch', each));
    const guided = guidance > 1;
    const tokenized = tokenizePrompts(config, this.tokenizers, request.prompt, request.negativePrompt, guided);
    const shape: PipelineShape = {
      width,
      height,
      pictures: 1,
      guided,
      halves: request.guidanceHalves ?? 'together',
      chunks: tokenized.chunks,
      precision: this.precision,
      solver: solverShape(plan),
    };
    this.checkFit(shape, request.output === 'latent' ? ['unet'] : ['unet', 'vae_decoder']);
    const notes = [...tokenized.notes];
    if (request.negativePrompt && !guided) {
      notes.push(`The negative prompt has no effect without guidance (the scale is ${guidance}); use a scale above 1.`);
    }
    return { steps, guidance, latent, plan, seeds, noise, tokenized, shape, notes };
  }

  /** Plans parts for the adapter: a tensor beyond its limits throws here, not after minutes of work. */
  private checkFit(shape: PipelineShape, parts: readonly PartName[]): void {
    const key = JSON.stringify([shape, parts]);
    if (this.fits.has(key)) return;
    for (const part of parts) planProgram(partGraph(this.config, shape, part), this.device.profile);
    this.fits.add(key);
  }

  private decode(
    shape: PipelineShape,
    latents: readonly Float32Array<ArrayBuffer>[],
    seeds: readonly number[],
    use: PartUse,
    onImage: TextToImageRequest['onImage'],
  ): Promise<Picture[]> {
    const { config } = this;
    const part = this.parts.vae_decoder;
    const key = `${shape.width}×${shape.height} ${shape.precision}`;
    return part.use(
      key,
      () => partGraph(config, shape, 'vae_decoder'),
      use,
      async (program) => {
        await part.ready(program, 'decode', use);
        const small = latentSize(config.vae, shape.width, shape.height);
        const { width, height } = decodedSize(config.vae, small.height, small.width);
        const pictures: Picture[] = [];
        for (const [i, values] of latents.entries()) {
          program.write('latents', toChannelsLast(values, config.vae.latentChannels));
          await program.run('decode', part.running(use));
          const packed = (await program.read('rgba')) as Uint32Array<ArrayBuffer>;
          const rgba = new Uint8ClampedArray(packed.buffer, packed.byteOffset, packed.byteLength);
          const picture = { seed: seeds[i]!, width, height, rgba, latents: values };
          pictures.push(picture);
          await onImage?.(picture);
        }
        return pictures;
      },
    );
  }
}
