import { decodedSize } from '@pleinair/diffusion';
import { createNoiseSource, schedulerFromConfig, type SamplingPlan } from '@pleinair/schedulers';
import { throwIfCancelled, type Device } from '@pleinair/tensor';
import { loadTokenizer, readTokenizerFiles, type ClipTokenizer } from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { denoise, preparePrompt, writeConditioning } from './denoise.js';
import { encodePrompts, tokenizePrompts } from './encode-text.js';
import { readSdxlFiles } from './files.js';
import { componentGraph, components, latentSize, type Component, type PipelineShape } from './graphs.js';
import { toChannelsLast } from './latent-layout.js';
import { readSdxlConfig, type SdxlConfig } from './model-config.js';
import { Part, type MemoryMode, type PartUse } from './part.js';
import type { Picture, TextToImageRequest, TextToImageResult } from './request.js';
import { timeIds } from './time-ids.js';

/** How a pipeline keeps and stores things. */
export interface SdxlPipelineOptions {
  /** Storage of weights and activations on the GPU. @defaultValue 'f16' */
  readonly precision?: 'f16' | 'f32';
  /** @defaultValue 'low' */
  readonly memory?: MemoryMode;
  readonly signal?: AbortSignal;
}

/** SDXL text to image. Reads configs and tokenizers when opened; weights when they are first needed. */
export class SdxlPipeline {
  private readonly parts: Readonly<Record<Component, Part>>;
  private busy = false;

  private constructor(
    readonly device: Device,
    readonly config: SdxlConfig,
    private readonly tokenizers: readonly [ClipTokenizer, ClipTokenizer],
    source: ModelSource,
    private readonly precision: 'f16' | 'f32',
    mode: MemoryMode,
  ) {
    const prefer = precision === 'f32' ? 'full' : 'fp16';
    this.parts = Object.fromEntries(
      components.map((name) => [name, new Part(name, device, source, mode, prefer)]),
    ) as Record<Component, Part>;
  }

  /** Opens a model in diffusers layout. Throws where it is not SDXL or lacks a part's description. */
  static async open(source: ModelSource, device: Device, options: SdxlPipelineOptions = {}): Promise<SdxlPipeline> {
    const { signal } = options;
    const config = readSdxlConfig(await readSdxlFiles(source, { signal }));
    const [first, second] = await Promise.all(
      ['tokenizer', 'tokenizer_2'].map(async (folder) => {
        const files = await readTokenizerFiles(async (name) => {
          const path = `${folder}/${name}`;
          return (await source.exists(path, { signal })) ? source.readText(path, { signal }) : undefined;
        });
        return loadTokenizer(files);
      }),
    );
    return new SdxlPipeline(
      device,
      config,
      [first!, second!],
      source,
      options.precision ?? 'f16',
      options.memory ?? 'low',
    );
  }

  /** Makes pictures. One call at a time; a second one meanwhile throws. */
  async generate(request: TextToImageRequest): Promise<TextToImageResult> {
    if (this.busy) throw new Error('SdxlPipeline.generate: expected no other call to be running. Await it first.');
    this.busy = true;
    try {
      return await this.run(request);
    } finally {
      this.busy = false;
    }
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    for (const part of Object.values(this.parts)) part.dispose();
  }

  private async run(request: TextToImageRequest): Promise<TextToImageResult> {
    const { config, device } = this;
    const { signal } = request;
    const width = request.width ?? config.defaults.width;
    const height = request.height ?? config.defaults.height;
    const steps = request.steps ?? config.defaults.steps;
    const guidance = request.guidance ?? config.defaults.guidance;
    const seed = request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
    const latent = { ...latentSize(config, width, height), channels: config.vae.latentChannels };
    const scheduler = schedulerFromConfig(config.scheduler, request.scheduler ? { scheduler: request.scheduler } : {});
    const plan = scheduler.plan(steps, { eta: request.eta });
    const guided = guidance > 1;
    throwIfCancelled(signal, 'generate');

    device.memory.resetPeak();
    const clock = new Clock();
    const use: PartUse = { signal, onProgress: request.onProgress, onLoadTime: (ms) => clock.loaded(ms) };
    const tokenized = tokenizePrompts(config, this.tokenizers, request.prompt, request.negativePrompt, guided);
    const shape: PipelineShape = {
      width,
      height,
      pictures: 1,
      guided,
      halves: request.guidanceHalves ?? 'together',
      chunks: tokenized.chunks,
      precision: this.precision,
      solver: { slots: plan.slots, drawsNoise: plan.evaluations.some((e) => e.drawsNoise) },
    };

    const encoded = await clock.time('textMs', () => encodePrompts(config, this.parts, shape, tokenized, use));
    const count = request.count ?? 1;
    const seeds = Array.from({ length: count }, (_, i) => seed + i);
    const latents = await clock.time('denoiseMs', () =>
      this.parts.unet.use(
        JSON.stringify(shape),
        () => componentGraph(config, shape, 'unet'),
        use,
        async (program) => {
          await this.parts.unet.ready(program, 'prompt', use);
          writeConditioning(program, shape, encoded, timeIds(height, width, request.conditioning));
          await preparePrompt(program, signal);
          await this.parts.unet.ready(program, 'step', use);
          const results: Float32Array<ArrayBuffer>[] = [];
          for (const [picture, pictureSeed] of seeds.entries()) {
            const noise = createNoiseSource(request.rng ?? 'torch', pictureSeed);
            const started = performance.now();
            const onStep = (step: number, timestep: number): void =>
              request.onStep?.({
                picture,
                step,
                steps: plan.evaluations.length,
                timestep,
                stepsPerSecond: (step * 1000) / (performance.now() - started),
              });
            results.push(await denoise(program, shape, { plan, noise, guidance, latent, signal, onStep }));
          }
          return results;
        },
      ),
    );
    const images =
      request.output === 'latent'
        ? latents.map((l, i) => ({ seed: seeds[i]!, width, height, rgba: new Uint8ClampedArray(0), latents: l }))
        : await clock.time('decodeMs', () => this.decode(shape, latents, seeds, use));
    return this.result(images, { seed, steps, guidance, plan, width, height, clock, notes: encoded.notes });
  }

  private decode(
    shape: PipelineShape,
    latents: readonly Float32Array<ArrayBuffer>[],
    seeds: readonly number[],
    use: PartUse,
  ): Promise<Picture[]> {
    const { config } = this;
    const part = this.parts.vae_decoder;
    const key = `${shape.width}×${shape.height} ${shape.precision}`;
    return part.use(
      key,
      () => componentGraph(config, shape, 'vae_decoder'),
      use,
      async (program) => {
        await part.ready(program, 'decode', use);
        const small = latentSize(config, shape.width, shape.height);
        const { width, height } = decodedSize(config.vae, small.height, small.width);
        const pictures: Picture[] = [];
        for (const [i, values] of latents.entries()) {
          program.write('latents', toChannelsLast(values, config.vae.latentChannels));
          await program.run('decode', { signal: use.signal });
          const packed = (await program.read('rgba')) as Uint32Array<ArrayBuffer>;
          const rgba = new Uint8ClampedArray(packed.buffer, packed.byteOffset, packed.byteLength);
          pictures.push({ seed: seeds[i]!, width, height, rgba, latents: values });
        }
        return pictures;
      },
    );
  }

  private result(
    images: readonly Picture[],
    run: {
      seed: number;
      steps: number;
      guidance: number;
      plan: SamplingPlan;
      width: number;
      height: number;
      clock: Clock;
      notes: readonly string[];
    },
  ): TextToImageResult {
    const { plan, clock, ...rest } = run;
    const timings = clock.timings();
    const { peak, peakTotal } = this.device.memory;
    const evaluations = plan.evaluations.length * images.length;
    return {
      ...rest,
      images,
      scheduler: plan.scheduler,
      timings,
      stepsPerSecond: (evaluations * 1000) / timings.denoiseMs,
      memory: {
        weightsBytes: peak.weights,
        intermediatesBytes: peak.intermediates,
        persistentBytes: peak.persistent,
        peakBytes: peakTotal,
      },
    };
  }
}

type Phase = 'textMs' | 'denoiseMs' | 'decodeMs';

/** Times the phases; loading within a phase counts as loading. */
class Clock {
  private readonly started = performance.now();
  private readonly phases: Record<Phase, number> = { textMs: 0, denoiseMs: 0, decodeMs: 0 };
  private loadMs = 0;

  loaded(ms: number): void {
    this.loadMs += ms;
  }

  async time<T>(phase: Phase, body: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const loadedBefore = this.loadMs;
    const result = await body();
    this.phases[phase] += performance.now() - started - (this.loadMs - loadedBefore);
    return result;
  }

  timings(): TextToImageResult['timings'] {
    return { loadMs: this.loadMs, ...this.phases, totalMs: performance.now() - this.started };
  }
}
