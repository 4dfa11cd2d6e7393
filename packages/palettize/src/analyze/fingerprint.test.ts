import { describe, expect, it } from 'vitest';
import { halves, singlePart } from '../../test/parts.js';
import { fingerprintOf } from './fingerprint.js';

const tensors = (seed: number, shape = [8, 9]) =>
  Array.from({ length: 100 }, (_, i) => halves(`t${i}.weight`, shape, seed + i));

describe('fingerprintOf', () => {
  it('is the same for the same weights, another for other values, names or shapes', async () => {
    const prints = await Promise.all(
      [tensors(1), tensors(2), tensors(1).slice(1), tensors(1, [9, 8])].map(async (list) =>
        fingerprintOf(await singlePart(list)),
      ),
    );
    expect(new Set(prints).size).toBe(4);
    expect(await fingerprintOf(await singlePart(tensors(1)))).toBe(prints[0]);
    expect(prints[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  it('knows parts without values', async () => {
    expect(await fingerprintOf(await singlePart([halves('empty', [0, 4], 1)]))).toHaveLength(64);
  });
});
