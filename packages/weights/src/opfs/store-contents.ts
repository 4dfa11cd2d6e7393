import type { HubFile } from '../hub/hub-client.js';
import { formatHubName, type HubName } from '../hub/hub-name.js';
import type { ModelSource } from '../source.js';
import { loadedBytes } from './loaded-bytes.js';
import { blobName, parseRecord, partialName, recordFile, type ModelRecord } from './model-record.js';
import { OpfsFolder } from './opfs-folder.js';
import { recordSource } from './opfs-source.js';
import type { StoredModel } from './stored-model.js';

/** What lies in a store: contents by their checksums, and a record for each model that names those it needs. */
export class StoreContents {
  private constructor(
    /** Path of {@link blobs} in the origin's storage. */
    readonly blobsPath: string,
    readonly blobs: OpfsFolder,
    private readonly models: OpfsFolder,
  ) {}

  /** @throws `HubError` `hub/storage` where the browser offers no storage for files. */
  static async open(folder: string): Promise<StoreContents> {
    const blobsPath = `${folder}/blobs`;
    const blobs = await OpfsFolder.open(blobsPath);
    return new StoreContents(blobsPath, blobs, await OpfsFolder.open(`${folder}/models`));
  }

  /** All that are whole; one that was broken is as if it were not there. */
  async records(): Promise<ModelRecord[]> {
    const names = (await this.models.names()).filter((name) => name.endsWith('.json'));
    const records = await Promise.all(
      names.map(async (name) => parseRecord((await (await this.models.file(name))?.text()) ?? '')),
    );
    return records.filter((record) => record !== undefined);
  }

  async record(name: HubName): Promise<ModelRecord | undefined> {
    const file = await this.models.file(recordFile(name));
    return file && parseRecord(await file.text());
  }

  keep(record: ModelRecord): Promise<void> {
    return this.models.writeText(recordFile(record), JSON.stringify(record));
  }

  /**
   * Deletes a model's record and what no other model needs.
   *
   * @returns Bytes that were freed.
   */
  async remove(record: ModelRecord): Promise<number> {
    await this.models.remove(recordFile(record));
    return this.sweep(record);
  }

  /** How much of a model is here. */
  async measure(record: ModelRecord): Promise<StoredModel> {
    const totalBytes = record.files.reduce((sum, { size }) => sum + size, 0);
    const whole = await Promise.all(
      record.files.map(async ({ checksum, size }) => (await this.blobs.size(blobName(checksum))) === size),
    );
    return {
      name: formatHubName(record),
      commit: record.commit,
      state: whole.every(Boolean) ? 'complete' : 'partial',
      loadedBytes: await this.loaded(record.files),
      totalBytes,
      addedAt: new Date(record.addedAt),
    };
  }

  /** A whole model's files, for the loaders. */
  source(record: ModelRecord): ModelSource {
    return recordSource(record, this.blobs, formatHubName(record));
  }

  /** Bytes of files that are here, those on their way included. */
  loaded(files: readonly HubFile[]): Promise<number> {
    return loadedBytes(this.blobs, files);
  }

  /** Bytes of all contents. */
  async totalBytes(): Promise<number> {
    const names = await this.blobs.names();
    const sizes = await Promise.all(names.map((name) => this.blobs.size(name)));
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  /**
   * Deletes the contents that a model named and none names now.
   *
   * @returns Bytes that were freed.
   */
  async sweep(record: ModelRecord): Promise<number> {
    const needed = await this.needed();
    const own = new Set(record.files.map(({ checksum }) => checksum.hex).filter((hex) => !needed.has(hex)));
    let freed = 0;
    for (const { checksum } of record.files) {
      if (!own.delete(checksum.hex)) continue;
      for (const name of [blobName(checksum), partialName(checksum)]) {
        freed += (await this.blobs.size(name)) ?? 0;
        await this.blobs.remove(name);
      }
    }
    return freed;
  }

  /** Deletes all contents that no model names. */
  async sweepAll(): Promise<void> {
    const needed = await this.needed();
    for (const name of await this.blobs.names()) {
      if (!needed.has(name.replace(/\.part$/, ''))) await this.blobs.remove(name);
    }
  }

  /** Checksums of what some model names. */
  private async needed(): Promise<Set<string>> {
    return new Set((await this.records()).flatMap(({ files }) => files.map(({ checksum }) => checksum.hex)));
  }
}
