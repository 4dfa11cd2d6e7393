import { CancelledError } from '@pleinair/tensor';
import { WeightError } from '../errors.js';
import { chooseFiles } from '../hub/choose-files.js';
import { DownloadMeter, listingProgress, type DownloadProgress } from '../hub/download-meter.js';
import { HubClient, type HubAccess, type HubFile } from '../hub/hub-client.js';
import { HubError } from '../hub/hub-error.js';
import { formatHubName, readHubName, type HubName } from '../hub/hub-name.js';
import { NoRoomError } from '../hub/no-room-error.js';
import { isSafePath } from '../hub/safe-path.js';
import type { ModelSource, ReadOptions } from '../source.js';
import { fillSink, type ModelSink } from '../model/sink.js';
import { addedBytes, type AddedFile } from './added-file.js';
import { downloadInWorker } from './download-in-worker.js';
import { blobLock, takeLock } from './locks.js';
import type { ModelRecord } from './model-record.js';
import { StoreContents } from './store-contents.js';
import { StoreSink } from './store-sink.js';
import type { StoredModel } from './stored-model.js';

/** Options of {@link openModelStore}. */
export interface ModelStoreOptions extends HubAccess {
  /** Folder in the origin's private storage. @defaultValue 'pleinair-models' */
  readonly folder?: string;
  /** Which weights to take where there are both. @defaultValue 'fp16' */
  readonly prefer?: 'fp16' | 'full';
}

/** What a model would cost, known before it is downloaded. */
export interface ModelOffer {
  /** As it was named. */
  readonly name: string;
  /** The commit its revision means now. */
  readonly commit: string;
  /** Bytes of all files that it needs. */
  readonly totalBytes: number;
  /** Of these, what has to come yet. */
  readonly missingBytes: number;
  readonly files: readonly HubFile[];
  /** Whether `missingBytes` fit in what the browser grants. */
  readonly fits: boolean;
}

/** The browser's storage, as far as it tells. */
export interface StorageReport {
  /** Bytes of models, whole and on their way. */
  readonly modelBytes: number;
  /** Bytes that this origin uses in all, as the browser counts them. */
  readonly usedBytes: number;
  /** Bytes that it may use yet. */
  readonly freeBytes: number;
  /** Whether the browser has promised not to clear it by itself when the disk fills. */
  readonly persistent: boolean;
}

/** How to download. */
export interface StoreDownloadOptions extends ReadOptions {
  /** Firing it pauses: what came is kept, and the next call goes on with it. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Files at a time. @defaultValue 4 */
  readonly parallel?: number;
}

/**
 * Opens the models kept in this browser. Any page or worker of the origin sees the same ones.
 *
 * @throws `HubError` `hub/storage` where the browser offers no storage for files.
 *
 * @example
 * const store = await openModelStore();
 * const { missingBytes, fits } = await store.offer('stabilityai/stable-diffusion-xl-base-1.0');
 * if (fits) await store.download('stabilityai/stable-diffusion-xl-base-1.0', { onProgress: console.log });
 */
export async function openModelStore(options: ModelStoreOptions = {}): Promise<ModelStore> {
  const folder = options.folder ?? 'pleinair-models';
  const store = new ModelStore(options, folder, await StoreContents.open(folder));
  await store.tidy();
  return store;
}

/** Models in the browser's private storage (OPFS). Made by {@link openModelStore}. */
export class ModelStore {
  private readonly client: HubClient;

  /** Made by {@link openModelStore}. */
  constructor(
    private readonly options: ModelStoreOptions,
    private readonly folder: string,
    private readonly contents: StoreContents,
  ) {
    this.client = new HubClient(options);
  }

  /**
   * What a model would cost: asks the Hub for its files, downloads none of the large ones.
   *
   * @throws `HubError`, `WeightError` `weights/network`, `CancelledError`.
   */
  async offer(model: string, options: ReadOptions = {}): Promise<ModelOffer> {
    const name = this.readRemote(model);
    const commit = await this.client.findCommit(name, options);
    return this.price(name, commit, await this.choose(name, commit, options));
  }

  /**
   * Downloads a model into the storage, in a worker of its own. Goes on with what is there: after a pause, a closed tab, a crash. A
   * model that is whole is left as it is; {@link update} gets a newer one.
   *
   * @returns The model, complete.
   * @throws `HubError`, with `hub/no-room` before the first byte where the quota is too small; `WeightError`
   *   `weights/network`; `CancelledError` where `signal` paused it.
   */
  async download(model: string, options: StoreDownloadOptions = {}): Promise<StoredModel> {
    const known = await this.contents.record(this.read(model));
    return known ? this.busy(() => this.complete(known, options)) : this.update(model, options);
  }

  /** As {@link download}, of what the revision means now. Files that stayed the same are not downloaded again. */
  update(model: string, options: StoreDownloadOptions = {}): Promise<StoredModel> {
    return this.busy(async () => {
      const name = this.readRemote(model);
      options.onProgress?.(listingProgress(formatHubName(name)));
      const commit = await this.client.findCommit(name, options);
      const known = await this.contents.record(name);
      if (known?.commit === commit) return this.complete(known, options);
      const files = await this.choose(name, commit, options);
      const record: ModelRecord = { version: 1, ...name, commit, addedAt: known?.addedAt ?? Date.now(), files };
      await this.checkRoom(record);
      // Before the first byte: what comes belongs to somebody from then on.
      await this.contents.keep(record);
      const stored = await this.complete(record, options);
      if (known) await this.contents.sweep(known);
      return stored;
    });
  }

  /**
   * Keeps files of one's own as a model: a folder or a checkpoint that was dropped on the page, or what a conversion makes of it. The
   * model is there when all of it is; broken off, nothing of it is.
   *
   * @param model - `local/NAME`. One of that name is replaced.
   * @param files - By path, e.g. `unet/config.json`.
   * @throws `HubError` `hub/name`, `hub/no-room`, `hub/storage`; `WeightError` `weights/unsafe-path`, `weights/truncated`;
   *   `CancelledError`; what the given bytes throw.
   */
  async add(
    model: string,
    files: ReadonlyMap<string, AddedFile>,
    { signal, onProgress }: Omit<StoreDownloadOptions, 'parallel'> = {},
  ): Promise<StoredModel> {
    const strange = [...files.keys()].find((path) => !isSafePath(path));
    if (strange !== undefined) {
      throw new WeightError(
        'weights/unsafe-path',
        `${model}: expected paths inside the model, got ${JSON.stringify(strange)}. Name files relative to it.`,
      );
    }
    const sink = await this.sink(model);
    const sizes = [...files].map(([path, { size }]) => ({ path, size }));
    const meter = new DownloadMeter(formatHubName(this.read(model)), sizes, onProgress);
    await fillSink(
      sink,
      sizes.reduce((sum, { size }) => sum + size, 0),
      async () => {
        for (const [path, file] of files) {
          const bytes = addedBytes(path, file, (position, got) => meter.at(path, position, got));
          await sink.write(path, bytes, { signal });
          meter.done(path, file.size);
        }
      },
    );
    meter.tell(true);
    return (await this.find(model))!;
  }

  /**
   * Where a model of one's own is written, for `writeModel` and for `palettizeModel` of `@pleinair/palettize`: it is there when
   * all of it is; broken off, whether by an error, a cancel or a closed tab, nothing of it is. Workers write faster than pages.
   *
   * @param model - `local/NAME`. One of that name is replaced on commit.
   * @returns A sink to be committed or discarded; until then nobody tidies the store.
   * @throws `HubError` `hub/name`. Its `reserve` throws {@link NoRoomError} `hub/no-room`, its `write` and `commit` `HubError`
   *   `hub/no-room` and `hub/storage`, `CancelledError`, and what the given bytes throw.
   */
  async sink(model: string): Promise<ModelSink> {
    const name = this.read(model);
    if (!isLocal(name)) {
      throw new HubError(
        'hub/name',
        `${model}: expected local/NAME for files of one's own, got that. Choose such a name.`,
      );
    }
    const held = await takeLock(this.workLock(), { mode: 'shared' });
    return new StoreSink({
      model: formatHubName(name),
      blobs: this.contents.blobs,
      reserve: async (bytes) => {
        if (bytes > (await this.storage()).freeBytes) throw await this.noRoom(name, bytes);
      },
      keep: async (files) => {
        const known = await this.contents.record(name);
        await this.contents.keep({ version: 1, ...name, commit: '', addedAt: known?.addedAt ?? Date.now(), files });
        if (known) await this.contents.sweep(known);
      },
      release: () => held?.release(),
    });
  }

  /** All models here, whole or not, in the order they were asked for. */
  async list(): Promise<StoredModel[]> {
    const models = await Promise.all((await this.contents.records()).map((record) => this.contents.measure(record)));
    return models.toSorted((a, b) => a.addedAt.getTime() - b.addedAt.getTime());
  }

  /** One of them; undefined where it is not here. */
  async find(model: string): Promise<StoredModel | undefined> {
    const record = await this.contents.record(this.read(model));
    return record && this.contents.measure(record);
  }

  /**
   * Deletes a model, whole or not. What other models share with it stays.
   *
   * @returns Bytes that were freed.
   * @throws `HubError` `hub/not-cached`; `hub/in-use` while it is being downloaded, here or in another tab.
   */
  async delete(model: string): Promise<number> {
    const name = this.read(model);
    const record = await this.contents.record(name);
    if (!record) throw this.notHere(model);
    const busy = (await navigator.locks.query()).held ?? [];
    const ours = new Set(record.files.map(({ checksum }) => blobLock(this.contents.blobsPath, checksum.hex)));
    if (busy.some((lock) => ours.has(lock.name ?? ''))) {
      throw new HubError(
        'hub/in-use',
        `${model}: expected no download of it, got one under way. Pause it, then delete it.`,
      );
    }
    return this.contents.remove(record);
  }

  /**
   * The files of a model that is here, for the loaders.
   *
   * @throws `HubError` `hub/not-cached` where it is not here, or not whole.
   */
  async source(model: string): Promise<ModelSource> {
    const record = await this.contents.record(this.read(model));
    const stored = record && (await this.contents.measure(record));
    if (!record || stored?.state !== 'complete') throw this.notHere(model);
    return this.contents.source(record);
  }

  /** Storage used and free. */
  async storage(): Promise<StorageReport> {
    const [{ usage = 0, quota = 0 }, persistent, modelBytes] = await Promise.all([
      navigator.storage.estimate(),
      navigator.storage.persisted(),
      this.contents.totalBytes(),
    ]);
    return { modelBytes, usedBytes: usage, freeBytes: Math.max(0, quota - usage), persistent };
  }

  /** Asks the browser not to clear the storage by itself. Windows only; best asked when the user adds a model. */
  async persist(): Promise<boolean> {
    return (await navigator.storage.persisted()) || ((await navigator.storage.persist?.()) ?? false);
  }

  /** Removes contents that no model needs, such as an {@link add} that was broken off has left. Done when the store is opened. */
  async tidy(): Promise<void> {
    const alone = await takeLock(this.workLock(), { ifAvailable: true });
    if (!alone) return; // someone is at work, and may be about to need them
    try {
      await this.contents.sweepAll();
    } finally {
      alone.release();
    }
  }

  /** Does something while which nobody tidies. */
  private async busy<T>(work: () => Promise<T>): Promise<T> {
    const held = await takeLock(this.workLock(), { mode: 'shared' });
    try {
      return await work();
    } finally {
      held?.release();
    }
  }

  private workLock(): string {
    return `pleinair ${this.folder}`;
  }

  private async complete(
    record: ModelRecord,
    { signal, onProgress, parallel }: StoreDownloadOptions,
  ): Promise<StoredModel> {
    if (signal?.aborted) throw new CancelledError(formatHubName(record));
    const before = await this.contents.measure(record);
    if (before.state === 'complete') return before;
    await this.checkRoom(record);
    const { endpoint, token, retries, retryDelayMs, stallMs } = this.options;
    const task = {
      folder: this.contents.blobsPath,
      name: before.name,
      repo: record.repo,
      commit: record.commit,
      files: record.files,
      access: { endpoint, token, retries, retryDelayMs, stallMs },
      parallel: parallel ?? 4,
    };
    await downloadInWorker(task, onProgress, signal);
    return this.contents.measure(record);
  }

  private choose(name: HubName, commit: string, { signal }: ReadOptions): Promise<HubFile[]> {
    return chooseFiles(this.client, name, commit, { prefer: this.options.prefer, signal });
  }

  private async price(name: HubName, commit: string, files: readonly HubFile[]): Promise<ModelOffer> {
    const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
    const missingBytes = totalBytes - (await this.contents.loaded(files));
    const { freeBytes } = await this.storage();
    return { name: formatHubName(name), commit, totalBytes, missingBytes, files, fits: missingBytes <= freeBytes };
  }

  private async checkRoom(record: ModelRecord): Promise<void> {
    const { missingBytes, fits } = await this.price(record, record.commit, record.files);
    if (!fits) throw await this.noRoom(record, missingBytes);
  }

  private async noRoom(name: HubName, needed: number): Promise<NoRoomError> {
    const { freeBytes, modelBytes } = await this.storage();
    return new NoRoomError(formatHubName(name), { neededBytes: needed, freeBytes, modelBytes });
  }

  private read(model: string): HubName {
    return readHubName(model, this.options.endpoint);
  }

  /** The same, of a model that the Hub is to be asked about. */
  private readRemote(model: string): HubName {
    const name = this.read(model);
    if (isLocal(name)) throw this.notHere(model);
    return name;
  }

  private notHere(model: string): HubError {
    return new HubError(
      'hub/not-cached',
      `${model}: expected it in this browser's storage, got none of that name, or not all of it. Download it first.`,
    );
  }
}

/** Models of one's own: no account of the Hub bears that name. */
function isLocal({ repo }: HubName): boolean {
  return repo.startsWith('local/');
}
