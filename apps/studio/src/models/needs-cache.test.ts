import { expect, it } from 'vitest';
import type { StoredDetails, StoredEntry } from './engine/protocol.js';
import { NeedsCache } from './needs-cache.js';

const entry = (name: string, totalBytes: number): StoredEntry => ({
  name,
  state: 'complete',
  loadedBytes: totalBytes,
  totalBytes,
});
const details = (reason: string): StoredDetails => ({
  kind: 'details',
  needs: { verdict: 'runs', reason },
  defaults: { width: 8, height: 8, steps: 1, guidance: 1 },
});

it('remembers what a model needs on an adapter, and forgets models that are gone', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const [a, b] = [entry('a', 1), entry('b', 2)];
  const cache = new NeedsCache(storage);
  cache.keep(details('of a'), a, 'gpu', [a, b]);
  cache.keep(details('of b'), b, 'gpu', [a, b]);
  const again = new NeedsCache(storage);
  expect(again.find(a, 'gpu')).toEqual(details('of a'));
  expect(again.find(a, 'another gpu')).toBeUndefined();
  expect(again.find(entry('a', 3), 'gpu')).toBeUndefined();
  again.keep(details('of b'), b, 'gpu', [b]);
  expect(again.find(a, 'gpu')).toBeUndefined();
});

it('does without where nothing can be kept', () => {
  const full = new NeedsCache({
    getItem: () => 'no JSON',
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError');
    },
  });
  full.keep(details('x'), entry('a', 1), '', []);
  expect(full.find(entry('a', 1), '')).toBeUndefined();
});
