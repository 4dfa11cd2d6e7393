import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  mergeRecords,
  parseRecord,
  TuningStoreError,
  type TuningAdapter,
  type TuningRecord,
  type TuningRecords,
  type TuningStore,
} from '@pleinair/kernels';
import { writeFileAtomically } from '@pleinair/weights/node';
import { cacheFolder } from './cache-folder.js';
import { withLock } from './file-lock.js';

/** First thing in every file, so that a foreign one is told from ours. */
const format = 'pleinair tuning 1';

/** What a file of results holds. */
interface TuningFile {
  readonly format: string;
  readonly adapter: TuningAdapter;
  readonly records: Readonly<Record<string, TuningRecord>>;
}

/**
 * Keeps results in one JSON file an adapter. A file is written beside its place and moved there, so a process killed
 * meanwhile leaves the old one; writers wait for one another and add to what is there. A damaged or foreign file is moved
 * aside under a name ending in `.damaged`. Node only.
 */
export class DiskTuningStore implements TuningStore {
  readonly place: string;

  /** @param folder - `tuning` in the user's cache folder unless given. */
  constructor(folder: string = join(cacheFolder(), 'tuning')) {
    this.place = folder;
  }

  async load(adapter: TuningAdapter): Promise<TuningRecords> {
    const path = this.pathOf(adapter);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return new Map();
      throw unreadable(path, cause);
    }
    const records = parseFile(text);
    if (records) return records;
    // Kept for whoever wonders; the next damaged one replaces it.
    await rename(path, `${path}.damaged`).catch(() => rm(path, { force: true }).catch(() => undefined));
    return new Map();
  }

  async save(adapter: TuningAdapter, records: TuningRecords): Promise<void> {
    const path = this.pathOf(adapter);
    try {
      await mkdir(this.place, { recursive: true });
      await withLock(`${path}.lock`, async () => {
        const merged = mergeRecords(await this.load(adapter), records);
        const file: TuningFile = { format, adapter, records: Object.fromEntries(merged) };
        await writeFileAtomically(path, [new TextEncoder().encode(`${JSON.stringify(file, undefined, 1)}\n`)]);
      });
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }

  async clear(): Promise<number> {
    let count = 0;
    try {
      const names = await readdir(this.place).catch((cause: unknown) => {
        if (errnoOf(cause) === 'ENOENT') return [];
        throw cause;
      });
      for (const name of names.filter((each) => fileName.test(each))) {
        const path = join(this.place, name);
        count += parseFile(await readFile(path, 'utf8').catch(() => ''))?.size ?? 0;
        // Moved away first, so that nobody reads a file that is half gone.
        const doomed = `${path}.${randomUUID()}.partial`;
        await rename(path, doomed);
        await rm(doomed, { force: true });
      }
    } catch (cause) {
      throw unwritable(this.place, cause);
    }
    return count;
  }

  private pathOf({ key }: TuningAdapter): string {
    return join(this.place, `${key}.json`);
  }
}

/** Files of results, and damaged ones. */
const fileName = /^[0-9a-f]{16}\.json(\.damaged)?$/;

function parseFile(text: string): Map<string, TuningRecord> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const file = value as Partial<TuningFile>;
  if (file.format !== format || typeof file.records !== 'object' || file.records === null) return undefined;
  const records = new Map<string, TuningRecord>();
  for (const [key, entry] of Object.entries(file.records)) {
    const record = parseRecord(entry);
    if (record) records.set(key, record);
  }
  return records;
}

function unreadable(path: string, cause: unknown): TuningStoreError {
  return new TuningStoreError(
    'tuning/unreadable',
    `${path}: expected to read tuning results, got ${errnoOf(cause) ?? String(cause)}. Check its permissions, or clear them with \`pleinair tune --clear\`.`,
    { cause },
  );
}

function unwritable(path: string, cause: unknown): TuningStoreError {
  return new TuningStoreError(
    'tuning/unwritable',
    `${path}: expected to keep tuning results there, got ${errnoOf(cause) ?? String(cause)}. ` +
      'They last for this run only; set XDG_CACHE_HOME to a folder that can be written to.',
    { cause },
  );
}

function errnoOf(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const own = typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : undefined;
  return own ?? (cause ? errnoOf(cause) : undefined);
}
