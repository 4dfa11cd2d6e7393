import type { Tuner, Tuning, TuningWork } from '@pleinair/kernels';
import { PleinairError, throwIfCancelled, type Device, type PickVariant, type PlanOptions } from '@pleinair/tensor';
import type { ClipTokenizer } from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { toChannelsLast } from '../denoise/latent-layout.js';
import { Clock } from '../parts/clock.js';
import { memoryPolicy, type MemoryMode, type MemoryPolicy } from '../parts/memory-policy.js';
import type { PartForm } from '../parts/part-plans.js';
import { PartTuning } from '../parts/part-tuning.js';
import type { PartUse } from '../parts/part.js';
import type { PipelineShape } from '../parts/pipeline-shape.js';
import { tuningWorks } from '../parts/tuning-works.js';
import { settleEncoder, settleVae, type VaeMode } from '../parts/vae-tiling.js';
import { planOrSayWhatFits } from '../parts/what-fits.js';
import { withDecoder, type Decode } from './decode.js';
import type { EncodedImages } from './begin-picture.js';
import { denoisePictures } from './denoise-pictures.js';
import { encodeImages } from './encode-image.js';
import { encodePrompts, type EncodedPrompts } from './encode-text.js';
import type { LatentModel, LatentModelConfig } from './latent-model.js';
import { PipelineParts } from './pipeline-parts.js';
import { prepare, tunedShape, type PreparedRun } from './prepare.js';
import type { Picture, PictureRequest, PictureResult, TuneRequest } from './request.js';
import { openTokenizer } from './tokenizers.js';
import { latentsWarning, pictureWarning } from './warnings.js';

/** How a pipeline keeps and stores things. */
export interface PipelineOptions {
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

/**
 * Makes pictures with a latent diffusion model of any family. Reads tokenizers and headers when opened; weights when they
 * are first needed.
 */
export class LatentPipeline<Config extends LatentModelConfig = LatentModelConfig> {
  private busy = false;
  /** How shapes are encoded and decoded. */
  private readonly halves = new Map<string, 'exact' | 'tiled'>();

  private constructor(
    readonly device: Device,
    readonly model: LatentModel<string, Config>,
    private readonly tokenizers: readonly ClipTokenizer[],
    private readonly parts: PipelineParts,
    private readonly precision: 'f16' | 'f32',
    private readonly policy: MemoryPolicy,
    private readonly tuning: PartTuning,
    private readonly vae: VaeMode,
  ) {}

  /**
   * Opens a model's parts and tokenizers.
   *
   * @throws `TokenizerError`, `WeightError`, `ConfigError`, `PaletteError` where something is missing or broken.
   */
  static async open<Config extends LatentModelConfig>(
    model: LatentModel<string, Config>,
    source: ModelSource,
    device: Device,
    options: PipelineOptions = {},
  ): Promise<LatentPipeline<Config>> {
    const { signal, precision = 'f16' } = options;
    const tokenizers = await Promise.all(
      model.texts.map(({ tokenizer, config }) => openTokenizer(source, tokenizer, config, signal)),
    );
    const policy = memoryPolicy(options.memory ?? 'low');
    const plan: PlanOptions = { transformedWeights: policy.transformedWeights, ...options.plan };
    const prefer = precision === 'f32' ? 'full' : 'fp16';
    const parts = await PipelineParts.open(model, source, device, { prefer, options: plan, signal });
    const tuning = new PartTuning(options.tuner, plan);
    return new LatentPipeline(device, model, tokenizers, parts, precision, policy, tuning, options.vae ?? 'auto');
  }

  /** The model's architecture and defaults. */
  get config(): Config {
    return this.model.config;
  }

  /** Makes pictures. One call at a time; a second one meanwhile throws. */
  generate(request: PictureRequest): Promise<PictureResult> {
    return this.alone('generate', () => this.run(request));
  }

  /**
   * Times kernels against one another for a picture size, for prompts of one chunk, and remembers the fastest. Needs no
   * weights. Pictures made afterwards take what was found.
   *
   * @throws `CancelledError` `DeviceLostError`; ShapeError `shape/size`.
   */
  tune(request: TuneRequest = {}): Promise<Tuning> {
    const { signal, again, onProgress: onTuning, mode = 'full' } = request;
    const shape = tunedShape(this.model, this.precision, request);
    const names = this.needed({ decodes: true, encodes: this.model.needsImage });
    const works = this.worksOf(shape, names, new Clock());
    return this.alone('tune', async () => {
      const tuning = await this.tuning.tune(tuningKey(shape, names), works, { mode, again, signal, onTuning });
      this.parts.forget(); // compiled with the choices before
      return tuning;
    });
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    this.parts.dispose();
  }

  /** Names of the parts that a run needs, in the order in which they work. */
  private needed({ decodes, encodes }: HalvesNeeded): string[] {
    return this.model.parts
      .filter(({ kind }) => (kind !== 'vae-encoder' || encodes) && (kind !== 'vae-decoder' || decodes))
      .map(({ name }) => name);
  }

  /** @param clock - Counts the planning. */
  private worksOf(shape: PipelineShape, names: readonly string[], clock: Clock): TuningWork[] {
    const specs = this.model.parts.filter(({ name }) => names.includes(name));
    return tuningWorks(specs, (name, pick) => clock.planning(() => this.parts.plan(shape, name, { pick })), shape);
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

  private async run(request: PictureRequest): Promise<PictureResult> {
    const { device, model } = this;
    const { signal, onProgress } = request;
    const clock = new Clock();
    const prepared = prepare(model, this.tokenizers, this.precision, request);
    const { job, decodes } = prepared;
    const halves: HalvesNeeded = { decodes, encodes: (job?.pixels ?? job?.maskedPixels) !== undefined };
    const shape = clock.planning(() => this.fitting(prepared.shape, halves));
    const run = { ...prepared, shape };
    throwIfCancelled(signal, 'generate');

    const used = new Set<string>();
    const compiledBefore = device.pipelines.count;
    const needed = this.needed(halves);
    const chosen = await this.tuning.choose(tuningKey(shape, needed), () => this.worksOf(shape, needed, clock), {
      signal,
      onProgress,
      onTuneTime: (ms) => clock.tuned(ms),
    });
    // What tuning held is gone; from here on the plan tells what is held.
    device.memory.resetPeak();
    const use: PartUse = {
      signal,
      policy: this.policy,
      onProgress,
      onLoadTime: (ms) => clock.loaded(ms),
      onCompiled: (ms, { kernelKeys }) => {
        clock.compiled(ms);
        for (const key of kernelKeys) used.add(key);
      },
    };
    const { pick } = chosen;
    const texts = await clock.time('textMs', () =>
      encodePrompts(
        model.texts,
        (name) => this.parts.named(name),
        (name) => clock.planning(() => this.parts.plan(shape, name, { pick })),
        run.tokenized,
        use,
      ),
    );
    const encoded = await this.encode(run, { use, clock, pick });
    const { latents, images } = await this.paint(run, request, { texts, encoded, use, clock, pick });
    const warnings = [
      ...latents.map((values, i) => latentsWarning(values, i, shape.precision)),
      ...images.map(({ rgba }, i) => pictureWarning(rgba, i, shape.precision)),
    ].filter((warning) => warning !== undefined);
    const timings = clock.timings();
    const { peak } = device.memory;
    return {
      ...run.made,
      images,
      timings,
      stepsPerSecond: (run.plan.evaluations.length * images.length * 1000) / timings.denoiseMs,
      pipelines: { used: used.size, compiled: device.pipelines.count - compiledBefore },
      memory: {
        weightsBytes: peak.weights,
        intermediatesBytes: peak.intermediates,
        persistentBytes: peak.persistent,
        peakBytes: device.memory.peakPlanned,
        mode: this.policy.mode,
      },
      notes: [...run.notes, ...chosen.notes, ...warnings.map(({ message }) => message)],
      warnings,
    };
  }

  /** Encodes the pictures a run begins with, if any. */
  private async encode(
    { job, shape }: PreparedRun,
    { use, clock, pick }: Pick<PaintMeans, 'use' | 'clock' | 'pick'>,
  ): Promise<EncodedImages> {
    const { pixels, maskedPixels } = job ?? {};
    const pictures = [pixels, maskedPixels].filter((each) => each !== undefined);
    if (pictures.length === 0) return {};
    const part = this.parts.only('vae-encoder');
    const posteriors = await clock.time('encodeMs', () => {
      const plan = clock.planning(() => this.parts.plan(shape, part.name, { pick }));
      return encodeImages(part, this.config.vae, plan, shape, pictures, use);
    });
    return { picture: pixels && posteriors[0], masked: maskedPixels && posteriors.at(-1) };
  }

  /** Denoises every picture, then decodes every picture: parts come and go once. */
  private async paint(
    run: PreparedRun,
    request: PictureRequest,
    { texts, encoded, use, clock, pick }: PaintMeans,
  ): Promise<{ readonly latents: readonly Float32Array<ArrayBuffer>[]; readonly images: readonly Picture[] }> {
    const { model, parts } = this;
    const { shape, seeds, made, preview } = run;
    const { vae } = model.config;
    const { width, height } = shape;
    const planned = (name: string) => clock.planning(() => parts.plan(shape, name, { pick }));
    const denoised = (decode?: Decode): Promise<Float32Array<ArrayBuffer>[]> =>
      clock.time('denoiseMs', () => {
        const part = parts.only('denoiser');
        const plan = planned(part.name);
        return denoisePictures({ model, part, plan, run, request, texts, encoded, use, clock, decode });
      });
    const decoded = <T>(body: (decode: Decode) => Promise<T>): Promise<T> => {
      const part = parts.only('vae-decoder');
      return withDecoder(part, vae, planned(part.name), shape, use, body);
    };
    const finish = async (latents: readonly Float32Array<ArrayBuffer>[], decode: Decode): Promise<Picture[]> => {
      const pictures: Picture[] = [];
      for (const [i, values] of latents.entries()) {
        const decodedPixels = await decode(toChannelsLast(values, vae.latentChannels), true);
        const pixels = run.job?.finish(decodedPixels) ?? decodedPixels;
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

  /**
   * Settles how a shape is encoded and decoded and plans the large parts for the adapter: a tensor beyond its limits throws here, not
   * after minutes of work, and the error says what fits.
   */
  private fitting(shape: PipelineShape, { decodes, encodes }: HalvesNeeded): PipelineShape {
    return planOrSayWhatFits(shape, (each) => {
      const settled: PipelineShape = {
        ...each,
        ...(decodes && this.halfOf('vae-decoder', each) === 'tiled' && { vae: 'tiled' }),
        ...(encodes && this.halfOf('vae-encoder', each) === 'tiled' && { encoder: 'tiled' }),
      };
      const wanted = this.needed({ decodes, encodes });
      for (const { name, kind } of this.model.parts) {
        if (kind !== 'text-encoder' && wanted.includes(name)) this.parts.plan(settled, name);
      }
      return settled;
    });
  }

  private halfOf(half: 'vae-encoder' | 'vae-decoder', shape: PipelineShape): 'exact' | 'tiled' {
    const { device, policy, vae } = this;
    const key = JSON.stringify([half, shape]);
    const planned: PartForm = (each, part) => this.parts.plan(each, part);
    const how = { vae, memory: policy.mode, profile: device.profile };
    const chosen = this.halves.get(key) ?? (half === 'vae-decoder' ? settleVae : settleEncoder)(shape, planned, how);
    this.halves.set(key, chosen);
    return chosen;
  }
}

/** Which halves of the VAE a run needs. */
interface HalvesNeeded {
  readonly decodes: boolean;
  readonly encodes: boolean;
}

/** What {@link LatentPipeline} paints with. */
interface PaintMeans {
  readonly texts: EncodedPrompts;
  readonly encoded: EncodedImages;
  readonly use: PartUse;
  readonly clock: Clock;
  /** A tuner's choices. */
  readonly pick?: PickVariant;
}

function tuningKey(shape: PipelineShape, parts: readonly string[]): string {
  return JSON.stringify([shape, parts]);
}
