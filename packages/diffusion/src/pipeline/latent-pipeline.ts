import type { Tuner, Tuning, TuningWork } from '@pleinair/kernels';
import {
  isPleinairError,
  PleinairError,
  ShapeError,
  throwIfCancelled,
  type Device,
  type PlanOptions,
} from '@pleinair/tensor';
import type { ClipTokenizer } from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { Clock } from '../parts/clock.js';
import type { AdapterOptions } from '../adapters/pipeline-adapters.js';
import { memoryBudget, memoryModes, memoryPolicy, type MemoryMode, type MemoryPolicy } from '../parts/memory-policy.js';
import { PartTuning } from '../parts/part-tuning.js';
import type { PartUse } from '../parts/part.js';
import type { PipelineShape } from '../parts/pipeline-shape.js';
import { tuningWorks } from '../parts/tuning-works.js';
import type { VaeMode } from '../parts/vae-tiling.js';
import type { KernelProfile } from '../profile/kernel-profile.js';
import { modeMemory, type MemoryMap, type ModeMemory } from '../profile/memory-map.js';
import { profilePart, profileSource } from '../profile/profile-part.js';
import type { LatentModel, LatentModelConfig } from './latent-model.js';
import { encodePictures, encodeTexts, paintPictures, type PaintMeans } from './paint-pictures.js';
import { PipelineParts } from './pipeline-parts.js';
import { prepare, tunedShape } from './prepare.js';
import type { PictureRequest, PictureResult, ProfileRequest, ShapeRequest, TuneRequest } from './request.js';
import { RunSettler, type HalvesNeeded, type SettledRun } from './run-settler.js';
import { evaluationsLeft } from './run-state.js';
import { openTokenizer } from './tokenizers.js';
import { latentsWarning, pictureWarning } from './warnings.js';

/** How a pipeline keeps and stores things. */
export interface PipelineOptions extends AdapterOptions {
  /** Storage of weights and activations on the GPU. @defaultValue 'f16' */
  readonly precision?: 'f16' | 'f32';
  /** `auto`: the mode that takes the most of what the adapter allows; see `chooseMemory`. @defaultValue 'low' */
  readonly memory?: MemoryMode | 'auto';
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

  private constructor(
    readonly device: Device,
    readonly model: LatentModel<string, Config>,
    private readonly tokenizers: readonly ClipTokenizer[],
    private readonly parts: PipelineParts,
    private readonly precision: 'f16' | 'f32',
    private readonly settler: RunSettler,
    private readonly tuning: PartTuning,
  ) {}

  /**
   * Opens a model's parts and tokenizers.
   *
   * @throws `TokenizerError`, `WeightError`, `ConfigError`, `PaletteError`, `AdapterError` where something is missing or broken.
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
    const { plan, memory = 'low' } = options;
    const prefer = precision === 'f32' ? 'full' : 'fp16';
    const parts = await PipelineParts.open(model, source, device, {
      prefer,
      options: plan,
      signal,
      adapters: options,
    });
    const tuning = new PartTuning(options.tuner, plan);
    const settler = new RunSettler(device.profile, model.parts, parts, { memory, vae: options.vae ?? 'auto' });
    return new LatentPipeline(device, model, tokenizers, parts, precision, settler, tuning);
  }

  /** The model's architecture and defaults. */
  get config(): Config {
    return this.model.config;
  }

  /**
   * Checks a request as far as that needs no GPU: what does not go together is told before anything is done.
   *
   * @throws What `generate` throws of a wrong request.
   */
  check(request: PictureRequest): void {
    prepare(this.model, this.tokenizers, this.precision, request, this.parts.adapters);
  }

  /** Scales of the LoRAs that were loaded, in their order. */
  get loraScales(): Readonly<Record<string, number>> {
    return this.parts.adapters.loraScales;
  }

  /**
   * Sets scales of LoRAs by name; those not named stay. Weights that depend on them are loaded again when next needed: of
   * side branches one of two small factors, of merged weights the weights themselves.
   *
   * @throws AdapterError `lora/scale`, and then none is changed.
   */
  setLoraScales(scales: Readonly<Record<string, number>>): Promise<void> {
    return this.alone('setLoraScales', () => this.parts.setLoraScales(scales));
  }

  /** Makes pictures. One call at a time; a second one meanwhile throws. */
  generate(request: PictureRequest): Promise<PictureResult> {
    return this.alone('generate', () => this.runWithinMemory(request));
  }

  /**
   * Times kernels against one another for a picture size, for prompts of one chunk, and remembers the fastest. Needs no
   * weights. Pictures made afterwards take what was found.
   *
   * @throws `CancelledError` `DeviceLostError`; ShapeError `shape/size`.
   */
  tune(request: TuneRequest = {}): Promise<Tuning> {
    const { signal, again, onProgress: onTuning, mode = 'full' } = request;
    const { shape, policy, halves } = this.shapeOf(request);
    const { transformedWeights } = policy;
    const names = this.settler.needed(halves);
    const works = this.worksOf(shape, names, policy, new Clock());
    return this.alone('tune', async () => {
      const tuning = await this.tuning.tune(tuningKey(shape, names, policy), works, {
        mode,
        again,
        transformedWeights,
        signal,
        onTuning,
      });
      this.parts.forget(); // compiled with the choices before
      return tuning;
    });
  }

  /**
   * Runs parts dispatch by dispatch and tells what each took, by the choices that pictures of that size are made with. Loads
   * weights as a picture does.
   *
   * @throws `CancelledError` `DeviceLostError`; ShapeError `shape/size`, `shape/option` for a part of another name.
   */
  async profile(request: ProfileRequest = {}): Promise<KernelProfile> {
    const { signal, onProgress } = request;
    const { shape, policy, halves } = this.shapeOf(request);
    const names = this.settler.needed(halves);
    const wanted = request.parts ?? [this.parts.only('denoiser').name];
    const unknown = wanted.find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw new ShapeError(
        'shape/option',
        `profile: expected parts among ${names.join(', ')}, got ${unknown}. Correct it.`,
      );
    }
    return this.alone('profile', async () => {
      this.parts.keepOnly(policy);
      const { transformedWeights } = policy;
      const works = (): TuningWork[] => this.worksOf(shape, names, policy, new Clock());
      const how = { transformedWeights, signal, onProgress };
      const { pick } = await this.tuning.choose(tuningKey(shape, names, policy), works, how);
      const use: PartUse = { signal, policy, onProgress };
      const profiled = [];
      for (const name of names.filter((each) => wanted.includes(each))) {
        const plan = this.parts.plan(shape, name, { pick, transformedWeights });
        profiled.push(...(await profilePart({ part: this.parts.named(name), plan, shape, use })));
      }
      const { width, height, precision } = shape;
      const about = { adapter: this.device.profile.name, width, height, precision, mode: policy.mode };
      return { ...about, source: profileSource(this), segments: profiled };
    });
  }

  /**
   * What pictures of a size hold on the GPU, by part, in every memory mode, from their plans. Needs no weights.
   *
   * @throws ShapeError `shape/size`; DeviceError `device/limit`, which says what fits.
   */
  memoryMap(request: ShapeRequest = {}): MemoryMap {
    const { shape, policy, halves } = this.shapeOf(request);
    const specs = this.model.parts.filter(({ name }) => this.settler.needed(halves).includes(name));
    const asked = tunedShape(this.model, this.precision, request);
    const modes = memoryModes.map((mode): ModeMemory => {
      const each = memoryPolicy(mode);
      const { transformedWeights } = each;
      const fitted = this.settler.fitting(asked, halves, each);
      const planned = specs.map(({ name, kind }) => ({
        name,
        kind,
        plan: this.parts.plan(fitted, name, { transformedWeights }),
      }));
      return modeMemory(planned, each);
    });
    const { width, height, precision } = shape;
    const { profile } = this.device;
    const about = { adapter: profile.name, width, height, precision, mode: policy.mode };
    return { ...about, budgetBytes: memoryBudget(profile), modes };
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    this.parts.dispose();
  }

  /** How a picture from a prompt of one chunk is run. */
  private shapeOf(request: ShapeRequest): SettledRun & { readonly halves: HalvesNeeded } {
    const halves: HalvesNeeded = { decodes: true, encodes: this.model.needsImage };
    return { ...this.settler.settle(tunedShape(this.model, this.precision, request), halves), halves };
  }

  /** @param clock - Counts the planning. */
  private worksOf(shape: PipelineShape, names: readonly string[], policy: MemoryPolicy, clock: Clock): TuningWork[] {
    const { transformedWeights } = policy;
    const specs = this.model.parts.filter(({ name }) => names.includes(name));
    return tuningWorks(
      specs,
      (name, pick) => clock.planning(() => this.parts.plan(shape, name, { pick, transformedWeights })),
      shape,
    );
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

  /** Under `auto` a run that the GPU had no room for is begun again in the next mode that takes less. */
  private async runWithinMemory(request: PictureRequest): Promise<PictureResult> {
    let shown = false;
    const watched: PictureRequest = {
      ...request,
      onImage: (picture, made) => {
        shown = true;
        return request.onImage?.(picture, made);
      },
    };
    const notes: string[] = [];
    for (;;) {
      const held = { mode: this.settler.most };
      try {
        const result = await this.run(watched, held);
        return { ...result, notes: [...notes, ...result.notes] };
      } catch (error) {
        const short = isPleinairError(error) && error.code === 'device/out-of-memory';
        if (!short || shown || !this.settler.takeLess(held.mode)) throw error;
        this.parts.dispose();
        notes.push(`The GPU had no room for memory mode ${held.mode}; from now on less is kept on it.`);
      }
    }
  }

  /** @param held - Told the memory mode. */
  private async run(request: PictureRequest, held: { mode: MemoryMode }): Promise<PictureResult> {
    const { device, model } = this;
    const { signal, onProgress } = request;
    const clock = new Clock();
    const prepared = prepare(model, this.tokenizers, this.precision, request, this.parts.adapters);
    const { job, decodes } = prepared;
    const halves: HalvesNeeded = { decodes, encodes: (job?.pixels ?? job?.maskedPixels) !== undefined };
    const { shape, policy } = clock.planning(() => this.settler.settle(prepared.shape, halves));
    held.mode = policy.mode;
    const { transformedWeights } = policy;
    const run = { ...prepared, shape };
    throwIfCancelled(signal, 'generate');

    const used = new Set<string>();
    const compiledBefore = device.pipelines.count;
    const needed = this.settler.needed(halves);
    this.parts.keepOnly(policy);
    const works = (): TuningWork[] => this.worksOf(shape, needed, policy, clock);
    const chosen = await this.tuning.choose(tuningKey(shape, needed, policy), works, {
      transformedWeights,
      signal,
      onProgress,
      onTuneTime: (ms) => clock.tuned(ms),
    });
    // What tuning held is gone; from here on the plan tells what is held.
    device.memory.resetPeak();
    const use: PartUse = {
      signal,
      policy,
      onProgress,
      onLoadTime: (ms) => clock.loaded(ms),
      onCompiled: (ms, { kernelKeys }) => {
        clock.compiled(ms);
        for (const key of kernelKeys) used.add(key);
      },
    };
    const means: PaintMeans = {
      model,
      parts: this.parts,
      use,
      clock,
      planOf: (name) => clock.planning(() => this.parts.plan(shape, name, { pick: chosen.pick, transformedWeights })),
    };
    const left = evaluationsLeft(run);
    const texts = left > 0 ? await clock.time('textMs', () => encodeTexts(run, means)) : undefined;
    const encoded = run.resume ? (run.resume.encoded ?? {}) : await encodePictures(run, means);
    const { latents, images } = await paintPictures(run, request, { texts, encoded }, means);
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
      stepsPerSecond: left && (left * 1000) / timings.denoiseMs,
      pipelines: { used: used.size, compiled: device.pipelines.count - compiledBefore },
      memory: {
        weightsBytes: peak.weights,
        intermediatesBytes: peak.intermediates,
        persistentBytes: peak.persistent,
        peakBytes: device.memory.peakPlanned,
        mode: policy.mode,
      },
      notes: [...this.parts.adapters.notes, ...run.notes, ...chosen.notes, ...warnings.map(({ message }) => message)],
      warnings,
    };
  }
}

function tuningKey(shape: PipelineShape, parts: readonly string[], policy: MemoryPolicy): string {
  return JSON.stringify([shape, parts, policy.transformedWeights]);
}
