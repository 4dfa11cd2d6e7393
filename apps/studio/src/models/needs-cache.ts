import type { StoredDetails, StoredEntry } from './engine/protocol.js';

const key = 'pleinair-studio-needs';

/** Remembers what models need on an adapter: planning a large one takes seconds, and nothing of it changes. */
export class NeedsCache {
  /** @param storage - Remembers over reloads; full or forbidden, it is gone without. */
  constructor(private readonly storage: Pick<Storage, 'getItem' | 'setItem'>) {}

  /** @param adapter - Its name. */
  find(entry: StoredEntry, adapter: string): StoredDetails | undefined {
    return this.read()[keyOf(entry, adapter)];
  }

  /** Keeps details; those of models that are gone are forgotten. */
  keep(details: StoredDetails, entry: StoredEntry, adapter: string, all: readonly StoredEntry[]): void {
    const keys = new Set(all.map((each) => keyOf(each, adapter)));
    const kept = Object.entries(this.read()).filter(([each]) => keys.has(each));
    try {
      this.storage.setItem(key, JSON.stringify(Object.fromEntries([...kept, [keyOf(entry, adapter), details]])));
    } catch {
      // Worked out again next time.
    }
  }

  private read(): Record<string, StoredDetails> {
    try {
      return JSON.parse(this.storage.getItem(key) ?? '{}') as Record<string, StoredDetails>;
    } catch {
      return {};
    }
  }
}

function keyOf({ name, totalBytes }: StoredEntry, adapter: string): string {
  return JSON.stringify([name, totalBytes, adapter]);
}
