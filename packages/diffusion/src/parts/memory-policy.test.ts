import { defaultProfile } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { chooseMemory, memoryBudget, memoryPolicy, type MemoryMode } from './memory-policy.js';

const kinds = ['text-encoder', 'vae-encoder', 'denoiser', 'vae-decoder'] as const;

describe('memory modes', () => {
  it.each([
    ['low', [], false],
    ['balanced', ['vae-encoder', 'denoiser', 'vae-decoder'], false],
    ['resident', [...kinds], true],
  ] as const)('%s keeps %j', (mode, kept, transformedWeights) => {
    const policy = memoryPolicy(mode);
    expect(kinds.filter((kind) => policy.keeps(kind))).toEqual(kept);
    // What is kept is there whole; what comes and goes does so segment by segment.
    expect(kinds.filter((kind) => policy.bySegment(kind))).toEqual(kinds.filter((kind) => !policy.keeps(kind)));
    expect(policy.transformedWeights).toBe(transformedWeights);
  });

  it.each([
    [[1, 2, 3], 'resident'],
    [[1, 2, 5], 'balanced'],
    [[1, 5, 6], 'low'],
    [[9, 9, 9], 'low'],
  ] as const)('auto, of peaks %j GB under 4 GiB: %s', (gigabytes, expected) => {
    const asked: MemoryMode[] = [];
    const peaks = { low: gigabytes[0], balanced: gigabytes[1], resident: gigabytes[2] };
    const chosen = chooseMemory(defaultProfile, (mode) => {
      asked.push(mode);
      return peaks[mode] * 1e9;
    });
    expect(chosen).toBe(expected);
    // A plan that decides nothing is not asked for.
    expect(asked).not.toContain('low');
    expect(memoryBudget(defaultProfile)).toBe(4 * 2 ** 30 - 4);
  });
});
