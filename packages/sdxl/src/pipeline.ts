import {
  Clock,
  denoise,
  latentSize,
  Part,
  PartPlans,
  PartTuning,
  preparePrompt,
  prepareSchedule,
  readPartPalettes,
  PROMPT_SEGMENT,
  SCHEDULE_SEGMENT,
  planOrSayWhatFits,
  settleVae,
  solverShape,
  STEP_SEGMENT,
  toChannelsLast,
  tuningWorks,
  writeConditioning,
  type MemoryMode,
  type PartForm,
  type PartUse,
  type VaeMode,
} from '@pleinair/diffusion';
import type { Tuner, Tuning, TuningWork } from '@pleinair/kernels';
import { createNoiseSource, keepDenoised, schedulerFromConfig } from '@pleinair/schedulers';
import { PleinairError, ShapeError, throwIfCancelled, type Device, type PlanOptions } from '@pleinair/tensor';
import type { ClipTokenizer } from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { withDecoder, type Decode } from './decode.js';
import { encodePrompts, tokenizePrompts, type EncodedPrompts } from './encode-text.js';
import { readSdxlFiles } from './files.js';
import { partFolders, partGraph, partNames, type PartName, type PipelineShape } from './graphs.js';
import { readSdxlConfig, type SdxlConfig } from './model-config.js';
import { previewOf, previewWish } from './previews.js';
import type { Picture, RunSettings, TextToImageRequest, TextToImageResult, TuneRequest } from './request.js';
import { timeIds } from './time-ids.js';
import { openTokenizer } from './tokenizers.js';
import { latentsWarning, pictureWarning } from './warnings.js';

/** How a pipeline keeps and stores things. */
export interface SdxlPipelineOptions {
  /** Storage of weights and activations on the GPU. @defaultValue 'f16' */
  readonly precision?: 'f16' | 'f32';
  /** @defaultValue 'low' */
  readonly memory?: MemoryMode;
  /** Whether latents are decoded in bands, in bounded memory; see `chooseVae` for `auto`. @defaultValue 'auto' */
  readonly vae?: VaeMode;
  /** Finds the fastest kernels for the device before the first picture of a shape. Without one, heuristics choose. */
  readonly tuner?: Tuner;
  /** Options of every part's plan; what its `pick` decides, the tuner leaves alone. */
  readonly plan?: PlanOptions;
  readonly signal?: AbortSignal;
}

/** SDXL text to image. Reads configs, tokenizers and headers when opened; weights when they are first needed. */
export class SdxlPipeline {
  private busy = false;
  /** How shapes are decoded. */
  private readonly decoders = new Map<string, 'exact' | 'tiled'>();

  private constructor(
    readonly device: Device,
    readonly config: SdxlConfig,
    private readonly tokenizers: readonly [ClipTokenizer, ClipTokenizer],
    private readonly parts: Readonly<Record<PartName, Part<PartName>>>,
    private readonly plans: PartPlans<PartName>,
    private readonly precision: 'f16' | 'f32',
    private readonly mode: MemoryMode,
    private readonly tuning: PartTuning,
    private readonly vae: VaeMode,
  ) {}

  /**
   * Opens a model in diffusers layout: reads descriptions, tokenizers and the headers of weights. Throws where it is not
   * SDXL or lacks a part.
   */
  static async open(source: ModelSource, device: Device, options: SdxlPipelineOptions = {}): Promise<SdxlPipeline> {
    const { signal } = options;
    const config = readSdxlConfig(await readSdxlFiles(source, { signal }));
    const [first, second] = await Promise.all([
      openTokenizer(source, 'tokenizer', config.textEncoder, signal),
      openTokenizer(source, 'tokenizer_2', config.textEncoder2, signal),
    ]);
    const { precision = 'f16', memory: mode = 'low' } = options;
    const prefer = precision === 'f32' ? 'full' : 'fp16';
    const parts = partNames.map((name) => new Part(name, device, { source, folder: partFolders[name], mode, prefer }));
    const palettesOf = await readPartPalettes(parts, signal);
    const plan: PlanOptions = { transformedWeights: mode === 'resident', ...options.plan };
    return new SdxlPipeline(
      device,
      config,
      [first, second],
      Object.fromEntries(parts.map((part) => [part.name, part])) as Record<PartName, Part<PartName>>,
      new PartPlans((shape, part) => partGraph(config, shape, part, palettesOf), device.profile, plan),
      precision,
      mode,
      new PartTuning(options.tuner, plan),
      options.vae ?? 'auto',
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
    const works = this.worksOf(shape, partNames, new Clock());
    return this.alone('tune', async () => {
      const key = JSON.stringify([shape, partNames]);
      const tuning = await this.tuning.tune(key, works, { mode, again, signal, onTuning });
      for (const part of Object.values(this.parts)) part.forget(); // compiled with the choices before
      return tuning;
    });
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    for (const part of Object.values(this.parts)) part.dispose();
  }

  /** @param clock - Counts the planning. */
  private worksOf(shape: PipelineShape, parts: readonly PartName[], clock: Clock): TuningWork[] {
    return tuningWorks(parts, (part, pick) => clock.planning(() => this.plans.plan(shape, part, pick)), shape);
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
    const clock = new Clock();
    const run = this.prepare(request, clock);
    const { shape, plan, made, tokenized } = run;
    throwIfCancelled(signal, 'generate');

    const used = new Set<string>();
    const compiledBefore = device.pipelines.count;
    const needed = partNames.filter((name) => name !== 'vae_decoder' || run.decodes);
    const chosen = await this.tuning.choose(JSON.stringify([shape, needed]), () => this.worksOf(shape, needed, clock), {
      signal,
      onProgress: request.onProgress,
      onTuneTime: (ms) => clock.tuned(ms),
    });
    const planned: PartForm<PartName> = (each, part) => this.plans.plan(each, part, chosen.pick);
    // What tuning held is gone; from here on the plan tells what is held.
    device.memory.resetPeak();
    const use: PartUse = {
      signal,
      onProgress: request.onProgress,
      onLoadTime: (ms) => clock.loaded(ms),
      onCompiled: (ms, { kernelKeys }) => {
        clock.compiled(ms);
        for (const key of kernelKeys) used.add(key);
      },
    };
    const encoded = await clock.time('textMs', () => encodePrompts(config, this.parts, planned, shape, tokenized, use));
    const { latents, images } = await this.paint({ ...run, planned }, request, encoded, use, clock);
    const warnings = [
      ...latents.map((values, i) => latentsWarning(values, i, shape.precision)),
      ...images.map(({ rgba }, i) => pictureWarning(rgba, i, shape.precision)),
    ].filter((warning) => warning !== undefined);
    const timings = clock.timings();
    const { peak } = device.memory;
    return {
      ...made,
      images,
      timings,
      stepsPerSecond: (plan.evaluations.length * images.length * 1000) / timings.denoiseMs,
      pipelines: { used: used.size, compiled: device.pipelines.count - compiledBefore },
      memory: {
        weightsBytes: peak.weights,
        intermediatesBytes: peak.intermediates,
        persistentBytes: peak.persistent,
        peakBytes: device.memory.peakPlanned,
      },
      notes: [...run.notes, ...chosen.notes, ...warnings.map(({ message }) => message)],
      warnings,
    };
  }

  /** Denoises every picture, then decodes every picture: parts come and go once. */
  private async paint(
    run: PlannedRun,
    request: TextToImageRequest,
    encoded: EncodedPrompts,
    use: PartUse,
    clock: Clock,
  ): Promise<{ readonly latents: readonly Float32Array<ArrayBuffer>[]; readonly images: readonly Picture[] }> {
    const { config, parts } = this;
    const { shape, seeds, made, preview, planned } = run;
    const { width, height } = shape;
    const denoised = (decode?: Decode): Promise<Float32Array<ArrayBuffer>[]> =>
      clock.time('denoiseMs', () => this.denoiseAll(run, request, encoded, use, clock, decode));
    const decoded = <T>(body: (decode: Decode) => Promise<T>): Promise<T> =>
      withDecoder(parts.vae_decoder, config, planned, shape, use, body);
    const finish = async (latents: readonly Float32Array<ArrayBuffer>[], decode: Decode): Promise<Picture[]> => {
      const pictures: Picture[] = [];
      for (const [i, values] of latents.entries()) {
        const pixels = await decode(toChannelsLast(values, config.vae.latentChannels), true);
        const picture = { seed: seeds[i]!, ...pixels, latents: values };
        pictures.push(picture);
        await request.onImage?.(picture, made);
      }
      return pictures;
    };
    const undecoded = (latents: readonly Float32Array<ArrayBuffer>[]): Picture[] =>
      latents.map((values, i) => ({ seed: seeds[i]!, width, height, rgba: new Uint8ClampedArray(0), latents: values }));

    if (preview.mode === 'full') {
      return decoded(async (decode) => {
        const latents = await denoised(decode);
        if (request.output === 'latent') return { latents, images: undecoded(latents) };
        return { latents, images: await clock.time('decodeMs', () => finish(latents, decode)) };
      });
    }
    const latents = await denoised();
    if (request.output === 'latent') return { latents, images: undecoded(latents) };
    return { latents, images: await clock.time('decodeMs', () => decoded((decode) => finish(latents, decode))) };
  }

  /** Final latents of every picture, still scaled, f32 `[channels, h, w]`. */
  private denoiseAll(
    { shape, plan, planned, made, latent, noise: sources, preview: wish }: PlannedRun,
    request: TextToImageRequest,
    encoded: EncodedPrompts,
    use: PartUse,
    clock: Clock,
    decode: Decode | undefined,
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const { unet } = this.parts;
    const { signal } = request;
    const { guidance } = made;
    return unet.use(
      JSON.stringify(shape),
      () => planned(shape, 'unet'),
      use,
      async (program) => {
        await unet.ready(program, PROMPT_SEGMENT, use);
        writeConditioning(program, shape, encoded, timeIds(shape.height, shape.width, request.conditioning));
        await preparePrompt(program, signal);
        await unet.ready(program, SCHEDULE_SEGMENT, use);
        await prepareSchedule(program, { ...shape, ...shape.solver }, plan, signal);
        await unet.ready(program, STEP_SEGMENT, use);
        const results: Float32Array<ArrayBuffer>[] = [];
        for (const [picture, noise] of sources.entries()) {
          const started = performance.now();
          const onStep = async (step: number, timestep: number): Promise<void> => {
            const stepsPerSecond = (step * 1000) / (performance.now() - started);
            const source = { program, plan, latent, decode, signal };
            const preview =
              wish.mode === 'off' ? undefined : await clock.time('previewMs', () => previewOf(wish, source, step));
            await request.onStep?.({
              picture,
              step,
              steps: plan.evaluations.length,
              timestep,
              stepsPerSecond,
              preview,
            });
          };
          results.push(...(await denoise(program, shape, { plan, noise: [noise], guidance, latent, signal, onStep })));
        }
        return results;
      },
    );
  }

  /**
   * Works out everything that can be known before the GPU does anything, so that a wrong request fails at once: sizes,
   * schedule, seeds, tokens, and whether every part fits the adapter's limits.
   */
  private prepare(request: TextToImageRequest, clock: Clock) {
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
    const preview = previewWish(request);
    const schedule = schedulerFromConfig(
      config.scheduler,
      request.scheduler ? { scheduler: request.scheduler } : {},
    ).plan(steps, { eta: request.eta });
    const plan = preview.mode === 'off' ? schedule : keepDenoised(schedule);
    const seed = request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
    const seeds = Array.from({ length: count }, (_, i) => seed + i);
    const noise = seeds.map((each) => createNoiseSource(request.rng ?? 'torch', each));
    const guided = guidance > 1;
    const tokenized = tokenizePrompts(config, this.tokenizers, request.prompt, request.negativePrompt, guided);
    const asked: PipelineShape = {
      width,
      height,
      pictures: 1,
      guided,
      halves: request.guidanceHalves ?? 'together',
      chunks: tokenized.chunks,
      precision: this.precision,
      solver: solverShape(plan),
      ...(preview.mode === 'quick' && { preview: true }),
    };
    const decodes = request.output !== 'latent' || preview.mode === 'full';
    const shape = clock.planning(() => this.fitting(asked, decodes));
    const notes = [...tokenized.notes];
    if (request.negativePrompt && !guided) {
      notes.push(`The negative prompt has no effect without guidance (the scale is ${guidance}); use a scale above 1.`);
    }
    const scheduler = request.scheduler ?? plan.scheduler;
    const made: RunSettings = { seed, steps, guidance, scheduler, rng: request.rng ?? 'torch', width, height };
    return { latent, plan, seeds, noise, tokenized, shape, notes, preview, decodes, made };
  }

  /**
   * Settles how a shape is decoded and plans the large parts for the adapter: a tensor beyond its limits throws here, not
   * after minutes of work, and the error says what fits.
   */
  private fitting(shape: PipelineShape, decodes: boolean): PipelineShape {
    return planOrSayWhatFits(shape, (each) => {
      const settled = decodes && this.decoderOf(each) === 'tiled' ? { ...each, vae: 'tiled' as const } : each;
      this.plans.plan(settled, 'unet');
      if (decodes) this.plans.plan(settled, 'vae_decoder');
      return settled;
    });
  }

  private decoderOf(shape: PipelineShape): 'exact' | 'tiled' {
    const { device, mode: memory, vae } = this;
    const key = JSON.stringify(shape);
    const planned: PartForm<PartName> = (each, part) => this.plans.plan(each, part);
    const decoder = this.decoders.get(key) ?? settleVae(shape, planned, { vae, memory, profile: device.profile });
    this.decoders.set(key, decoder);
    return decoder;
  }
}

/** What is known of a run before the GPU does anything. */
type PreparedRun = ReturnType<SdxlPipeline['prepare']>;

/** The same with the parts planned as they will run. */
type PlannedRun = PreparedRun & { readonly planned: PartForm<PartName> };
