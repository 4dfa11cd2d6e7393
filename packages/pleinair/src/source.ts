import {
<<<<<<< HEAD
  httpSource,
  layeredSource,
  parseHubName,
  remoteHubSource,
  type DownloadProgress,
  type HubAccess,
  type ModelSource,
} from '@pleinair/weights';

/**
 * A model by a folder's path or `file:` address (Node), by its name on the Hugging Face Hub (`owner/name`,
 * `owner/name@revision`, or the address of its page), an HTTP base address, or a source of one's own; or several of these, of
 * which each part comes from the first that has it, such as a palettized UNet before the model it is of. A folder that is there
 * comes before a model of that name on the Hub; `hf:owner/name` means the Hub.
=======
  blobSource,
  httpSource,
  layeredSource,
  openModel,
  splitCheckpointAddress,
  type CheckpointOptions,
  type ModelSource,
} from '@pleinair/weights';

/** One place of a model. */
type OnePlace = string | URL | Blob | ModelSource;

/**
 * A model by a folder's path or `file:` address (Node), an HTTP base address, or a source of one's own, in diffusers
 * layout; or one safetensors file under the original names, by its path, its address or as a Blob. Several of these may be
 * given, of which each part comes from the first that has it, such as a palettized UNet before the model it is of.
>>>>>>> 74b8555 (Load single-file checkpoints: opened as models in diffusers layout, by path, address or Blob, and with --model; held to diffusers' names, values and a picture)
 */
export type ModelPlace = OnePlace | readonly OnePlace[];

<<<<<<< HEAD
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

/** Options of {@link openPlace}. */
export interface PlaceOptions {
  /** How models of the Hub are got. */
  readonly hub?: HubOptions;
  /** Pauses a download with a `CancelledError`: what came is kept. */
  readonly signal?: AbortSignal;
  /** How far the download of a model of the Hub is. */
  readonly onDownload?: (progress: DownloadProgress) => void;
}

/**
 * Turns what a caller names into something files can be read from; a model of the Hub is downloaded first, if it is not here.
 *
 * @throws `HubError`, `WeightError`, `CancelledError`.
 */
export async function openPlace(place: ModelPlace, options: PlaceOptions = {}): Promise<ModelSource> {
  if (isLayers(place)) return layeredSource(await Promise.all(place.map((each) => openPlace(each, options))));
  if (typeof place === 'object' && !(place instanceof URL)) return place;
  const text = String(place);
  return isNode() ? openInNode(text, options) : openInBrowser(text, options);
}

async function openInNode(text: string, options: PlaceOptions): Promise<ModelSource> {
=======
/** What is known better than a single-file checkpoint tells. */
export interface CheckpointChoices extends Pick<CheckpointOptions, 'prediction' | 'averages'> {
  /** Where configurations are that take the place of those guessed, in diffusers layout; no weights are read of it. */
  readonly config?: OnePlace;
}

/** Options of {@link openPlace}. */
export interface OpenPlaceOptions {
  /** For places that are single files. */
  readonly checkpoint?: CheckpointChoices;
  readonly signal?: AbortSignal;
}

/**
 * Turns what a caller names into something files can be read from, as in diffusers layout whatever its form.
 *
 * @throws `WeightError` where a single file is no checkpoint that can be run: `weights/pickle`,
 *   `weights/unknown-checkpoint` and others of its table.
 */
export async function openPlace(place: ModelPlace, options: OpenPlaceOptions = {}): Promise<ModelSource> {
  if (isLayers(place)) return layeredSource(await Promise.all(place.map((each) => openPlace(each, options))));
  const { checkpoint: { config, ...choices } = {}, signal } = options;
  const { source, file } = await locate(place);
  return openModel(source, {
    ...choices,
    config: config === undefined ? undefined : (await locate(config)).source,
    file,
    signal,
  });
}

/** Where files are read from, and the one that is meant where it is one. */
async function locate(place: OnePlace): Promise<{ readonly source: ModelSource; readonly file?: string }> {
  if (place instanceof Blob) {
    const file = 'name' in place && typeof place.name === 'string' ? place.name : 'model.safetensors';
    return { source: blobSource(new Map([[file, place]]), file), file };
  }
  if (typeof place === 'object' && !(place instanceof URL)) return { source: place };
  const text = String(place);
  if (/^https?:/i.test(text)) {
    const { base, file } = splitCheckpointAddress(text) ?? { base: text };
    return { source: httpSource(base), file };
  }
>>>>>>> 74b8555 (Load single-file checkpoints: opened as models in diffusers layout, by path, address or Blob, and with --model; held to diffusers' names, values and a picture)
  // Folders exist in Node only. Names in variables keep file-system code out of what bundlers follow.
  const local = '@pleinair/weights/node';
  const urls = 'node:url';
<<<<<<< HEAD
  const { folderSource, hubEndpointOf, hubSource, isFolder } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ local
  )) as typeof import('@pleinair/weights/node');
  const isOnHub = parseHubName(text, options.hub?.endpoint ?? hubEndpointOf()) !== undefined;
  if (isOnHub && (text.includes(':') || !(await isFolder(text)))) {
    const { hub, signal, onDownload } = options;
    return hubSource(text, { ...hub, signal, onProgress: onDownload });
  }
  if (/^https?:/i.test(text)) return httpSource(text);
  if (!text.startsWith('file:')) return folderSource(text);
=======
  const { localPlace } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ folders
  )) as typeof import('@pleinair/weights/node');
  if (!text.startsWith('file:')) return localPlace(text);
>>>>>>> 74b8555 (Load single-file checkpoints: opened as models in diffusers layout, by path, address or Blob, and with --model; held to diffusers' names, values and a picture)
  const { fileURLToPath } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ urls
  )) as typeof import('node:url');
  return localPlace(fileURLToPath(text));
}

async function openInBrowser(text: string, { hub = {}, signal, onDownload }: PlaceOptions): Promise<ModelSource> {
  // What is no name of a model is an address, which may be relative to the page.
  if (!parseHubName(text, hub.endpoint)) return httpSource(text);
  const { storageFolder, download, ...access } = hub;
  const { openModelStore } = await import('@pleinair/weights/browser');
  const store = await openModelStore({ ...access, folder: storageFolder });
  if (download !== 'none') await store.download(text, { signal, onProgress: onDownload });
  else if ((await store.find(text))?.state !== 'complete') return remoteHubSource(text, { ...access, signal });
  return store.source(text);
}

function isNode(): boolean {
  const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  return process?.versions?.node !== undefined;
}

/** `Array.isArray` would make a source `any`. */
function isLayers(place: ModelPlace): place is readonly OnePlace[] {
  return Array.isArray(place);
}
