import type { StoreApi } from 'zustand/vanilla';
import { failureOf } from '../engine/failure.js';
import type { Failure } from '../engine/protocol.js';
import type { ConvertOrder, JobEnd, JobProgress, StoredEntry } from './engine/protocol.js';
import type { ModelsClient } from './models-client.js';
import type { ModelsState } from './models-store.js';
import type { NeedsCache } from './needs-cache.js';
import { createShelfStore, having, type ModelJob } from './shelf-store.js';
import { storedModel } from './stored-model.js';

const begun: JobProgress = { phase: 'checking', doneBytes: 0, totalBytes: 0, bytesPerSecond: 0, leftMs: undefined };

/** What a shelf needs of Studio. */
export interface ShelfMeans {
  readonly client: ModelsClient;
  readonly models: StoreApi<ModelsState>;
  readonly cache: NeedsCache;
  /** The adapter's name; nothing where there is none. */
  readonly adapter: () => string | undefined;
  /** Tells that a model is here, wherever the user is by then. */
  readonly onReady: (name: string) => void;
  /** Tells that a download was broken off, by a closed tab perhaps. */
  readonly onInterrupted: (name: string) => void;
  /** Takes a model off the GPU before it is deleted. */
  readonly forget: (name: string) => Promise<void>;
  /** Tells that what was there when Studio opened has been read, or why it could not be. */
  readonly onRead: (broken: Failure | undefined) => void;
  /** Takes a model that was deleted out of those to paint with. */
  readonly onGone: (name: string) => void;
}

/** Keeps models in this browser's storage: downloads, conversions, deletions; they go on whichever page is shown. */
export class ModelShelf {
  readonly store = createShelfStore();
  private opened: Promise<void> | undefined;

  /** Reads nothing yet. */
  constructor(private readonly means: ShelfMeans) {}

  /** Reads what is there, once. */
  open(): Promise<void> {
    return (this.opened ??= this.refresh());
  }

  /** The same where something is there already; a first visitor's browser is not asked to make a storage. */
  async openIfUsed(): Promise<void> {
    const used = this.opened !== undefined || (await isUsed());
    const first = !this.opened;
    if (used) await this.open();
    this.means.onRead(this.store.getState().broken);
    if (!used || !first) return;
    for (const { name, state } of this.store.getState().entries ?? []) {
      if (state === 'partial') this.means.onInterrupted(name);
    }
  }

  /** Reads again what is there. */
  async refresh(): Promise<void> {
    const { client } = this.means;
    const [entries, storage] = await Promise.all([
      client.ask((engine) => engine.list()),
      client.ask((engine) => engine.storage()),
    ]);
    if ('kind' in entries) return this.store.setState({ broken: entries, entries: [] });
    this.store.setState({ entries, broken: undefined, ...(!('kind' in storage) && { storage }) });
    await Promise.all(
      entries.map(async (entry) => {
        const known = this.store.getState().details[entry.name];
        if (entry.state === 'complete' && !known) await this.describe(entry, entries);
      }),
    );
  }

  /** Downloads a model, or goes on with it. */
  download(name: string): Promise<boolean> {
    return this.work('download', name, (tell) => this.means.client.download(name, tell));
  }

  /** Converts a model into the storage. */
  convert(order: ConvertOrder): Promise<boolean> {
    return this.work('convert', order.name, (tell) => this.means.client.convert(order, tell));
  }

  /** Pauses a download; ends a conversion, of which nothing stays. */
  async stop(name: string): Promise<void> {
    this.changeJob(name, { stopping: true });
    await this.means.client.stop(name);
  }

  /** Deletes a model, whole or not; where that fails, its card says why. */
  async remove(name: string): Promise<void> {
    const { client, forget, onGone } = this.means;
    this.forget(name);
    // Chosen or not: another model may take its name later, and must not be painted with this one's weights.
    const freed = await forget(name)
      .then(() => client.ask((engine) => engine.remove(name)))
      .catch(failureOf);
    const { details, failures } = this.store.getState();
    if (typeof freed === 'number') {
      onGone(name);
      this.store.setState({ details: having(details, name, undefined), failures: having(failures, name, undefined) });
    } else {
      this.store.setState({ failures: having(failures, name, freed) });
    }
    await this.refresh();
  }

  /** Forgets why something failed. */
  forget(name: string): void {
    this.store.setState(({ failures }) => ({ failures: having(failures, name, undefined) }));
  }

  private async work(
    kind: ModelJob['kind'],
    name: string,
    body: (tell: (progress: JobProgress) => void) => Promise<JobEnd>,
  ): Promise<boolean> {
    if (this.store.getState().jobs[name]) return false;
    this.forget(name);
    this.store.setState(({ jobs }) => ({ jobs: having(jobs, name, { kind, progress: begun, stopping: false }) }));
    // Asked when the user adds something: browsers grant it the sooner. Refused, models may be cleared when a disk fills.
    void navigator.storage.persist?.();
    const end = await body((progress) => this.changeJob(name, { progress }));
    this.store.setState(({ jobs, failures, details }) => ({
      jobs: having(jobs, name, undefined),
      failures: having(failures, name, end.kind === 'failed' ? end : undefined),
      ...(end.kind === 'done' && { details: having(details, name, undefined) }),
    }));
    await this.refresh();
    if (end.kind === 'done') this.means.onReady(name);
    return end.kind === 'done';
  }

  private changeJob(name: string, change: Partial<ModelJob>): void {
    this.store.setState(({ jobs }) => {
      const job = jobs[name];
      return job ? { jobs: having(jobs, name, { ...job, ...change }) } : {};
    });
  }

  private async describe(entry: StoredEntry, all: readonly StoredEntry[]): Promise<void> {
    const { client, models, cache } = this.means;
    const { name } = entry;
    const adapter = this.means.adapter() ?? '';
    const details = cache.find(entry, adapter) ?? (await client.ask((engine) => engine.describe(name)));
    if (details.kind === 'details') cache.keep(details, entry, adapter, all);
    this.store.setState((state) => ({ details: having(state.details, name, details) }));
    models.getState().put(storedModel(name, details));
  }
}

/** Whether models were ever kept in this browser. */
async function isUsed(): Promise<boolean> {
  try {
    await (await navigator.storage.getDirectory()).getDirectoryHandle('pleinair-models');
    return true;
  } catch {
    return false;
  }
}
