import {
  blobSource,
  httpSource,
  layeredSource,
  openModel,
  parseHubName,
  remoteHubSource,
  splitCheckpointAddress,
  type CheckpointOptions,
  type DownloadProgress,
  type HubAccess,
  type ModelSource,
} from '@pleinair/weights';

/** One place of a model. */
type OnePlace = string | URL | Blob | ModelSource;

/**
 * A model by a folder's path or `file:` address (Node), by its name on the Hugging Face Hub (`owner/name`,
 * `owner/name@revision`, or the address of its page), an HTTP base address, or a source of one's own, in diffusers layout; or
 * one safetensors file under the original names, by its path, its address, its name on the Hub
 * (`owner/name/file.safetensors`) or as a Blob. Several of these may be given, of which each part comes from the first that
 * has it, such as a palettized UNet before the model it is of. What is there on the disk comes before a model of that name on
 * the Hub; `hf:owner/name` means the Hub.
 */
export type ModelPlace = OnePlace | readonly OnePlace[];

/** How models of the Hub are got. */
export interface HubOptions extends HubAccess {
  /** Node: true asks nothing of the Hub, what is cached must do. Default: what `HF_HUB_OFFLINE` says. */
  readonly offline?: boolean;
  /** Node: the cache. Default: that of Python's `huggingface_hub`. */
  readonly cacheFolder?: string;
  /** Browser: the folder in the origin's private storage. @defaultValue 'pleinair-models' */
  readonly storageFolder?: string;
  /**
   * `whole`: a model is downloaded and kept before it is opened. `none`: what is not here yet is read over the net as it is
   * needed, and not kept; for looking at a model without its gigabytes.
   * @defaultValue 'whole'
   */
  readonly download?: 'whole' | 'none';
}

/** What is known better than a single-file checkpoint tells. */
export interface CheckpointChoices extends Pick<CheckpointOptions, 'prediction' | 'averages'> {
  /** Where configurations are that take the place of those guessed, in diffusers layout; no weights are read of it. */
  readonly config?: OnePlace;
}

/** Options of {@link openPlace}. */
export interface PlaceOptions {
  /** How models of the Hub are got. */
  readonly hub?: HubOptions;
  /** What is known better than a single-file checkpoint tells, such as what its UNet predicts. */
  readonly checkpoint?: CheckpointChoices;
  /** Pauses a download with a `CancelledError`: what came is kept. */
  readonly signal?: AbortSignal;
  /** How far the download of a model of the Hub is. */
  readonly onDownload?: (progress: DownloadProgress) => void;
}

/** Where files are read from, and the one that is meant where a model is one file. */
interface Located {
  readonly source: ModelSource;
  readonly file?: string;
}

/**
 * Turns what a caller names into something files can be read from, as in diffusers layout whatever its form; a model of the Hub
 * is downloaded first, if it is not here.
 *
 * @throws `HubError`, `CancelledError`; `WeightError`, where a single file is no checkpoint that can be run among others:
 *   `weights/pickle`, `weights/unknown-checkpoint`.
 */
export async function openPlace(place: ModelPlace, options: PlaceOptions = {}): Promise<ModelSource> {
  if (isLayers(place)) return layeredSource(await Promise.all(place.map((each) => openPlace(each, options))));
  const { checkpoint: { config, ...choices } = {}, signal } = options;
  const { source, file } = await locate(place, options);
  const given = config === undefined ? undefined : (await locate(config, options)).source;
  return openModel(source, { ...choices, config: given, file, signal });
}

async function locate(place: OnePlace, options: PlaceOptions): Promise<Located> {
  if (place instanceof Blob) {
    const file = 'name' in place && typeof place.name === 'string' ? place.name : 'model.safetensors';
    return { source: blobSource(new Map([[file, place]]), file), file };
  }
  if (typeof place === 'object' && !(place instanceof URL)) return { source: place };
  const text = String(place);
  return isNode() ? locateInNode(text, options) : locateInBrowser(text, options);
}

async function locateInNode(text: string, options: PlaceOptions): Promise<Located> {
  // Folders exist in Node only. Names in variables keep file-system code out of what bundlers follow.
  const local = '@pleinair/weights/node';
  const urls = 'node:url';
  const { hubEndpointOf, hubSource, isThere, localPlace } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ local
  )) as typeof import('@pleinair/weights/node');
  const named = onHub(text, options.hub?.endpoint ?? hubEndpointOf());
  if (named && (text.includes(':') || !(await isThere(text)))) {
    const { hub, signal, onDownload } = options;
    return { source: await hubSource(text, { ...hub, signal, onProgress: onDownload }), file: named.file };
  }
  if (/^https?:/i.test(text)) return locateByAddress(text);
  if (!text.startsWith('file:')) return localPlace(text);
  const { fileURLToPath } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ urls
  )) as typeof import('node:url');
  return localPlace(fileURLToPath(text));
}

async function locateInBrowser(text: string, { hub = {}, signal, onDownload }: PlaceOptions): Promise<Located> {
  const named = onHub(text, hub.endpoint);
  // What is no name of a model is an address, which may be relative to the page.
  if (!named) return locateByAddress(URL.canParse(text, location.href) ? new URL(text, location.href).href : text);
  const { file } = named;
  const { storageFolder, download, ...access } = hub;
  const { openModelStore } = await import('@pleinair/weights/browser');
  const store = await openModelStore({ ...access, folder: storageFolder });
  if (download !== 'none') await store.download(text, { signal, onProgress: onDownload });
  else if ((await store.find(text))?.state !== 'complete') {
    return { source: await remoteHubSource(text, { ...access, signal }), file };
  }
  return { source: await store.source(text), file };
}

function locateByAddress(address: string): Located {
  const { base, file } = splitCheckpointAddress(address) ?? { base: address };
  return { source: httpSource(base), file };
}

/** The name on the Hub that a text is; a file in a folder looks like one but for its ending. */
function onHub(text: string, endpoint: string | undefined): { readonly file?: string } | undefined {
  if (/^[^:/]+\/[^/]+\.(safetensors|ckpt|pt|pth|bin)$/i.test(text)) return undefined;
  return parseHubName(text, endpoint);
}

function isNode(): boolean {
  const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  return process?.versions?.node !== undefined;
}

/** `Array.isArray` would make a source `any`. */
function isLayers(place: ModelPlace): place is readonly OnePlace[] {
  return Array.isArray(place);
}
