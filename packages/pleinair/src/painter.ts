import {
  Tuner,
  type TuneMode,
  type Tuning,
  type TuningStore,
  forceAttention,
  type AttentionChoice,
} from '@pleinair/kernels';
import type {
  LatentModelConfig,
  LatentPipeline,
  PartProgress,
  Picture,
  PictureRequest,
  PictureResult,
  RunSettings,
  TuneRequest,
} from '@pleinair/diffusion';
import { requestDevice, type Device } from '@pleinair/tensor';
import { runnableArchitectureOf } from './models/registry.js';
import { openPlace, type ModelPlace, type PlaceOptions } from './source.js';
import { defaultTuningStore } from './tuning/default-store.js';

/** How to load a model. */
export interface LoadOptions extends PlaceOptions {
  /**
   * Storage of weights and activations on the GPU. `auto` is half floats, which every adapter can store; parts of a
   * model that overflow them keep f32 activations by themselves.
   * @defaultValue 'auto'
   */
  readonly precision?: 'auto' | 'f16' | 'f32';
  /** Which GPU, where there are several; `fallback` asks for a software adapter. @defaultValue 'high-performance' */
  readonly adapter?: 'high-performance' | 'low-power' | 'fallback';
  /**
   * `low`: parts are loaded in turn and freed, so that the largest decides; `resident`: they stay for the next picture.
   * @defaultValue 'low'
   */
  readonly memory?: 'low' | 'resident';
  /**
   * Whether pictures are decoded in bands, in bounded memory. `auto`: where the adapter refuses the whole, or memory mode
   * `low` would peak at it; `exact`: never; `tiled`: always.
   * @defaultValue 'auto'
   */
  readonly vae?: 'auto' | 'exact' | 'tiled';
  /**
   * Whether to find the fastest kernels for this adapter by timing them. `quick`: what is known is used, and before the
   * first picture of a size a few seconds go into what is not; `full`: everything is timed, which takes minutes; `off`:
   * heuristics choose. Pictures of the same seed differ by rounding between choices; under `off` they never do.
   * @defaultValue 'quick'
   */
  readonly tune?: TuneMode;
  /** Where the results of tuning are kept. By default the user's cache folder (Node) or IndexedDB (browser). */
  readonly tuningStore?: TuningStore;
  /**
   * Keeps attention to one way of computing it, where heads allow; `auto` takes the fastest. @defaultValue 'auto'
   */
  readonly attention?: AttentionChoice;
  /** A device of one's own; it is left alive by {@link Painter.dispose}. */
  readonly device?: Device;
  /** Loading of parts, whenever it happens; {@link PictureRequest.onProgress} overrides it for a run. */
  readonly onProgress?: (progress: PartProgress) => void;
}

/** How pictures were made: enough to make them again. */
export interface PictureOrigin extends RunSettings {
  readonly prompt: string;
  readonly negativePrompt?: string;
  /** Where the model came from, in words. */
  readonly model: string;
}

/** What `generate` is asked. */
export interface GenerateRequest extends Omit<PictureRequest, 'onImage'> {
  /** Each picture as soon as it is decoded, and how it was made; a promise it gives is awaited. */
  readonly onImage?: (picture: Picture, made: PictureOrigin) => unknown;
}

/** What `generate` gives back. */
export interface GenerateResult extends PictureResult, PictureOrigin {}

/**
 * Opens a model and gets a GPU for it. Weights are loaded when the first picture needs them.
 *
 * @param model - A folder in diffusers layout (Node), a model of the Hub (`owner/name@revision`, downloaded once and kept), an HTTP
 *   base address, or a `ModelSource`; or a single safetensors file: a path (Node), an address, or a Blob such as a file that was
 *   dropped on a page.
 * @throws `PleinairError` with a code: `device/no-adapter`, `weights/…`, `hub/…`, `config/…`, `tokenizer/…`, `cancelled`;
 *   `device/missing-feature` where the adapter cannot do the `attention` asked for.
 *
 * @example
 * const painter = await load('https://example.org/models/sdxl');
 * const { images } = await painter.generate({ prompt: 'a lighthouse at dawn', steps: 20, seed: 1 });
 * painter.dispose();
 */
export async function load(model: ModelPlace, options: LoadOptions = {}): Promise<Painter> {
  const started = performance.now();
  const source = await openPlace(model, options);
  // First what it is: a model that cannot be run is told before a device is asked for.
  const architecture = await runnableArchitectureOf(source, { signal: options.signal });
  const device = options.device ?? (await requestDevice(deviceRequest(options.adapter)));
  try {
    const { tune = 'quick', tuningStore } = options;
    const tuner = new Tuner(device, { mode: tune, store: tuningStore ?? (await defaultTuningStore()) });
    const pipeline = await architecture.open(source, device, {
      tuner,
      plan: options.attention && { pick: forceAttention(options.attention, device.profile) },
      precision: options.precision === 'f32' ? 'f32' : 'f16',
      memory: options.memory ?? 'low',
      vae: options.vae,
      signal: options.signal,
    });
    const opened = { model: pipeline.config.name ?? source.describe(), ms: performance.now() - started };
    return new Painter(pipeline, opened, options.device === undefined, options.onProgress);
  } catch (error) {
    if (!options.device) device.destroy();
    throw error;
  }
}

function deviceRequest(adapter: LoadOptions['adapter'] = 'high-performance'): Parameters<typeof requestDevice>[0] {
  return adapter === 'fallback' ? { fallback: true } : { powerPreference: adapter };
}

/** A loaded model. Make one with {@link load}. */
export class Painter {
  /** Made by {@link load}. */
  constructor(
    private readonly pipeline: LatentPipeline,
    private readonly opened: { readonly model: string; ms: number },
    private readonly ownsDevice: boolean,
    private readonly onProgress: LoadOptions['onProgress'],
  ) {}

  /** The GPU in words. */
  get adapter(): string {
    return this.pipeline.device.profile.name;
  }

  /** The device the model runs on. */
  get device(): Device {
    return this.pipeline.device;
  }

  /** The model's architecture and defaults. */
  get config(): LatentModelConfig {
    return this.pipeline.config;
  }

  /**
   * Makes pictures from a prompt. One call at a time.
   *
   * @throws `PleinairError`: `cancelled`, `shape/size`, `scheduler/…`, `device/…`, `weights/…`. After any of these the
   * painter can be asked again, unless the device was lost.
   */
  async generate(request: GenerateRequest): Promise<GenerateResult> {
    const { prompt, negativePrompt, onImage } = request;
    const { model } = this.opened;
    const result = await this.pipeline.generate({
      ...request,
      onProgress: request.onProgress ?? this.onProgress,
      onImage: onImage && ((picture, made) => onImage(picture, { ...made, prompt, negativePrompt, model })),
    });
    // Opening the model was part of what the first caller waited for.
    const { ms } = this.opened;
    this.opened.ms = 0;
    const { loadMs, totalMs } = result.timings;
    const timings = { ...result.timings, loadMs: loadMs + ms, totalMs: totalMs + ms };
    return { ...result, timings, prompt, negativePrompt, model };
  }

  /**
   * Times kernels against one another on this adapter for a picture size, and remembers the fastest. Without `mode`
   * everything is timed that is not known yet.
   *
   * @throws `PleinairError`: `cancelled`, with what was found kept; `shape/size`, `device/…`.
   */
  tune(request: TuneRequest = {}): Promise<Tuning> {
    return this.pipeline.tune(request);
  }

  /** Frees the GPU memory, and the device if `load` asked for it. */
  dispose(): void {
    this.pipeline.dispose();
    if (this.ownsDevice) this.pipeline.device.destroy();
  }
}
