import {
  Tuner,
  type TuneMode,
  type Tuning,
  type TuningStore,
  forceAttention,
  type AttentionChoice,
} from '@pleinair/kernels';
import type {
  AdapterOptions,
  KernelProfile,
  LatentModelConfig,
  LatentPipeline,
  MemoryMap,
  MemoryMode,
  PartProgress,
  Picture,
  PictureRequest,
  PictureResult,
  PipelineOptions,
  ProfileRequest,
  RunSettings,
  ShapeRequest,
  TuneRequest,
} from '@pleinair/diffusion';
import { requestDevice, type Device } from '@pleinair/tensor';
import { promptNotation, type Prompt } from '@pleinair/text';
import { openFilePlace, type FilePlace } from './adapter-files.js';
import { runnableArchitectureOf } from './models/registry.js';
import { readPicture, type PictureInput } from './picture-input.js';
import { defaultRefinerStart, generateRefined } from './refine.js';
import { openPlace, type ModelPlace, type PlaceOptions } from './source.js';
import { defaultTuningStore } from './tuning/default-store.js';

/** A LoRA to load. */
export interface LoraPlace {
  /** Its `.safetensors` file, of kohya's, PEFT's or diffusers' form. */
  readonly source: FilePlace;
  /** How strongly it counts. @defaultValue 1 */
  readonly scale?: number;
  /** By what name {@link Painter.setLoraScales} knows it; its file's name without ending where absent. */
  readonly name?: string;
}

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
   * `low`: parts are loaded in turn and freed, so that the largest decides; `balanced`: the UNet and the VAE stay for the next
   * picture; `resident`: everything stays, which is fastest. `auto`: the one that takes the most of what the adapter allows;
   * beside a refiner `low`.
   * @defaultValue 'auto'
   */
  readonly memory?: MemoryMode | 'auto';
  /** A second model that takes over late in the schedule, such as SDXL's refiner. */
  readonly refiner?: ModelPlace;
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
  /** LoRAs, together. */
  readonly loras?: readonly LoraPlace[];
  /**
   * `merge`: LoRAs are added to weights as they load, at no cost afterwards; `branch`: they are computed beside the weights;
   * `auto`: merged into plain weights, beside palettized ones, which are never unpacked. @defaultValue 'auto'
   */
  readonly loraMode?: 'auto' | 'merge' | 'branch';
  /** Textual inversions by the names under which prompts use them. */
  readonly embeddings?: Readonly<Record<string, FilePlace>>;
  /** A device of one's own; it is left alive by {@link Painter.dispose}. */
  readonly device?: Device;
  /** Loading of parts, whenever it happens; {@link PictureRequest.onProgress} overrides it for a run. */
  readonly onProgress?: (progress: PartProgress) => void;
}

/** How pictures were made: enough to make them again. */
export interface PictureOrigin extends RunSettings {
  readonly prompt: string;
  readonly prompt2?: string;
  readonly negativePrompt?: string;
  readonly negativePrompt2?: string;
  /** Where in the schedule a refiner took over. */
  readonly refinerStart?: number;
  /** Where the model came from, in words. */
  readonly model: string;
  /** Scales of the LoRAs it was made with, by name; absent where there were none. */
  readonly loras?: Readonly<Record<string, number>>;
}

/** What `generate` is asked. */
export interface GenerateRequest extends Omit<PictureRequest, 'onImage' | 'image' | 'mask'> {
  /** The picture to begin with; resized where it has another size. */
  readonly image?: PictureInput;
  /** Where to make anew: white there, black where `image` is kept. */
  readonly mask?: PictureInput;
  /** Share of the schedule at which the refiner takes over, above 0; at 1 it does nothing. @defaultValue 0.8 */
  readonly refinerStart?: number;
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
 * @throws `PleinairError` with a code: `device/no-adapter`, `weights/…`, `hub/…`, `config/…`, `tokenizer/…`, `lora/…`, `embedding/…`,
 *   `cancelled`;
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
  const second = options.refiner === undefined ? undefined : await openPlace(options.refiner, options);
  const refinerKind = second && (await runnableArchitectureOf(second, { signal: options.signal }));
  const device = options.device ?? (await requestDevice(deviceRequest(options.adapter)));
  try {
    const { tune = 'quick', tuningStore } = options;
    const tuner = new Tuner(device, { mode: tune, store: tuningStore ?? (await defaultTuningStore()) });
    const { memory = 'auto' } = options;
    const how: PipelineOptions = {
      tuner,
      plan: options.attention && { pick: forceAttention(options.attention, device.profile) },
      precision: options.precision === 'f32' ? 'f32' : 'f16',
      // Each model knows only of its own memory.
      memory: second && memory === 'auto' ? 'low' : memory,
      vae: options.vae,
      signal: options.signal,
    };
    const pipeline = await architecture.open(source, device, { ...how, ...(await openAdapters(options)) });
    const refiner = second && (await refinerKind!.open(second, device, how));
    const opened = { model: pipeline.config.name ?? source.describe(), ms: performance.now() - started };
    return new Painter(pipeline, refiner, opened, options.device === undefined, options.onProgress);
  } catch (error) {
    if (!options.device) device.destroy();
    throw error;
  }
}

async function openAdapters({ loras = [], loraMode, embeddings = {}, signal }: LoadOptions): Promise<AdapterOptions> {
  const files = loras.map(async ({ source, ...rest }) => ({ ...(await openFilePlace(source, signal)), ...rest }));
  const named = Object.entries(embeddings).map(
    async ([name, place]) => [name, await openFilePlace(place, signal)] as const,
  );
  return { loras: await Promise.all(files), loraMode, embeddings: Object.fromEntries(await Promise.all(named)) };
}

function deviceRequest(adapter: LoadOptions['adapter'] = 'high-performance'): Parameters<typeof requestDevice>[0] {
  return adapter === 'fallback' ? { fallback: true } : { powerPreference: adapter };
}

/** A loaded model. Make one with {@link load}. */
export class Painter {
  /** Made by {@link load}. */
  constructor(
    private readonly pipeline: LatentPipeline,
    private readonly refiner: LatentPipeline | undefined,
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
   * Makes pictures from a prompt, or of a picture. One call at a time.
   *
   * @throws `PleinairError`: `cancelled`, `shape/size`, `scheduler/…`, `device/…`, `weights/…`. After any of these the
   * painter can be asked again, unless the device was lost.
   */
  async generate(request: GenerateRequest): Promise<GenerateResult> {
    const { onImage } = request;
    const said = (prompt: Prompt): string => notationOf(prompt, request.promptSyntax);
    const saidIf = (prompt: Prompt | undefined): string | undefined =>
      prompt === undefined ? undefined : said(prompt);
    const { model } = this.opened;
    const { refinerStart = defaultRefinerStart } = request;
    const refines = this.refiner !== undefined && refinerStart < 1;
    const asked = {
      prompt: said(request.prompt),
      prompt2: saidIf(request.prompt2),
      negativePrompt: saidIf(request.negativePrompt),
      negativePrompt2: saidIf(request.negativePrompt2),
      model,
      ...(Object.keys(this.loraScales).length > 0 && { loras: this.loraScales }),
      ...(refines && { refinerStart }),
    };
    const settled: PictureRequest = {
      ...request,
      image: request.image && (await readPicture('image', request.image)),
      mask: request.mask && (await readPicture('mask', request.mask)),
      onProgress: request.onProgress ?? this.onProgress,
      onImage: onImage && ((picture, made) => onImage(picture, { ...made, ...asked })),
    };
    const result = refines
      ? await generateRefined(this.pipeline, this.refiner, settled, refinerStart)
      : await this.pipeline.generate(settled);
    // Opening the model was part of what the first caller waited for.
    const { ms } = this.opened;
    this.opened.ms = 0;
    const { loadMs, totalMs } = result.timings;
    const timings = { ...result.timings, loadMs: loadMs + ms, totalMs: totalMs + ms };
    return { ...result, timings, ...asked };
  }

  /** Scales of the LoRAs that were loaded, by name. */
  get loraScales(): Readonly<Record<string, number>> {
    return this.pipeline.loraScales;
  }

  /**
   * Sets scales of LoRAs by name; those not named stay. What depends on them is loaded again when next needed: of LoRAs
   * beside palettized weights one of two small factors, of merged ones the weights they change, from the model's files.
   *
   * @throws `PleinairError` `lora/scale`, and then none is changed; `program/busy`.
   */
  setLoraScales(scales: Readonly<Record<string, number>>): Promise<void> {
    return this.pipeline.setLoraScales(scales);
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

  /**
   * Where a picture's time goes: runs parts dispatch by dispatch and tells the kernel, its place in the model and its time.
   * Only of the first model where there is a refiner. A call at a time, not beside `generate`.
   *
   * @throws `PleinairError`: `cancelled`, `shape/size`, `shape/option`, `device/…`, `weights/…`.
   */
  profile(request: ProfileRequest = {}): Promise<KernelProfile> {
    return this.pipeline.profile(request);
  }

  /**
   * What pictures of a size hold on the GPU, by part and through the run, in every memory mode: from plans, nothing runs.
   * Only of the first model where there is a refiner.
   *
   * @throws `PleinairError`: `shape/size`; `device/limit`, which says what fits.
   */
  memoryMap(request: ShapeRequest = {}): MemoryMap {
    return this.pipeline.memoryMap(request);
  }

  /** Frees the GPU memory, and the device if `load` asked for it. */
  dispose(): void {
    this.pipeline.dispose();
    this.refiner?.dispose();
    if (this.ownsDevice) this.pipeline.device.destroy();
  }
}

/** A prompt as the sentence that makes the same picture again. */
function notationOf(prompt: Prompt, syntax: GenerateRequest['promptSyntax']): string {
  return typeof prompt === 'string' && syntax !== 'plain' ? prompt : promptNotation(prompt);
}
