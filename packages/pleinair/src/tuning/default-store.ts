import { IndexedDbTuningStore, MemoryTuningStore, type TuningStore } from '@pleinair/kernels';

/**
 * Where tuning results are kept unless a caller says otherwise: on disk in Node, in IndexedDB in a browser, else in memory.
 */
export async function defaultTuningStore(): Promise<TuningStore> {
  if (typeof process !== 'undefined' && typeof process.versions?.node === 'string') {
    // A name in a variable keeps file-system code out of what bundlers follow.
    const node = 'pleinair/node';
    const { DiskTuningStore } = (await import(
      /* @vite-ignore */ /* webpackIgnore: true */ node
    )) as typeof import('../node.js');
    return new DiskTuningStore();
  }
  return typeof indexedDB === 'undefined' ? new MemoryTuningStore() : new IndexedDbTuningStore();
}
