import type { TuningAdapter } from './adapter-key.js';
import { betterRecord, mostRecords, parseRecord, recordKey, type TuningRecord, type TuningRecords } from './record.js';
import { TuningStoreError, type TuningStore } from './store.js';

const storeName = 'records';

/** What an entry of the database holds; its key is `[adapter's key, record's key]`. */
interface Entry {
  readonly adapter: TuningAdapter;
  readonly record: TuningRecord;
}

/**
 * Keeps results in the browser's IndexedDB, an entry a record. Transactions keep pages that write at the same time from
 * losing one another's records.
 */
export class IndexedDbTuningStore implements TuningStore {
  readonly place: string;

  /** @param name - The database's name. */
  constructor(private readonly name: string = 'pleinair-tuning') {
    this.place = `IndexedDB "${name}"`;
  }

  async load(adapter: TuningAdapter): Promise<TuningRecords> {
    return this.within('readonly', 'tuning/unreadable', async (entries) => {
      const records = new Map<string, TuningRecord>();
      for (const entry of await settled<unknown[]>(entries.getAll(ofAdapter(adapter)))) {
        const record = recordOf(entry);
        if (record) records.set(recordKey(record), record);
      }
      return records;
    });
  }

  async save(adapter: TuningAdapter, records: TuningRecords): Promise<void> {
    await this.within('readwrite', 'tuning/unwritable', async (entries) => {
      for (const [key, record] of records) {
        const known = recordOf(await settled<unknown>(entries.get([adapter.key, key])));
        const entry: Entry = { adapter, record: known ? betterRecord(record, known) : record };
        entries.put(entry, [adapter.key, key]);
      }
      await dropOldest(entries, adapter);
    });
  }

  async clear(): Promise<number> {
    return this.within('readwrite', 'tuning/unwritable', async (entries) => {
      const count = await settled(entries.count());
      entries.clear();
      return count;
    });
  }

  /** Runs `body` in one transaction and waits until it is through. */
  private async within<T>(
    mode: IDBTransactionMode,
    code: string,
    body: (entries: IDBObjectStore) => Promise<T>,
  ): Promise<T> {
    let database: IDBDatabase | undefined;
    try {
      database = await this.open();
      const transaction = database.transaction(storeName, mode);
      const through = new Promise<void>((resolve, reject) => {
        transaction.addEventListener('complete', () => resolve());
        transaction.addEventListener('abort', () =>
          reject(transaction.error ?? new Error('the transaction was aborted')),
        );
      });
      through.catch(() => undefined);
      const result = await body(transaction.objectStore(storeName));
      await through;
      return result;
    } catch (cause) {
      throw new TuningStoreError(
        code,
        `${this.place}: expected to ${mode === 'readonly' ? 'read' : 'keep'} tuning results, got "${String(cause)}". ` +
          'They last for this page only; private windows and full disks keep nothing.',
        { cause },
      );
    } finally {
      database?.close();
    }
  }

  private open(): Promise<IDBDatabase> {
    const request = indexedDB.open(this.name, 1);
    request.addEventListener('upgradeneeded', () => void request.result.createObjectStore(storeName));
    return settled(request);
  }
}

/** Every entry of an adapter: arrays sort element by element, and an array follows all texts. */
function ofAdapter({ key }: TuningAdapter): IDBKeyRange {
  return IDBKeyRange.bound([key], [key, []]);
}

function recordOf(entry: unknown): TuningRecord | undefined {
  return typeof entry === 'object' && entry !== null ? parseRecord((entry as Partial<Entry>).record) : undefined;
}

async function dropOldest(entries: IDBObjectStore, adapter: TuningAdapter): Promise<void> {
  const range = ofAdapter(adapter);
  if ((await settled(entries.count(range))) <= mostRecords) return;
  const [keys, values] = [await settled(entries.getAllKeys(range)), await settled<unknown[]>(entries.getAll(range))];
  const byAge = keys.map((key, i) => ({ key, at: recordOf(values[i])?.at ?? 0 })).sort((a, b) => b.at - a.at);
  for (const { key } of byAge.slice(mostRecords)) entries.delete(key);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('the request failed')));
  });
}
