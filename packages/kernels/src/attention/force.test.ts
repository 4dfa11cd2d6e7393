import { defaultProfile, Graph, planProgram, type DeviceProfile } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { attention } from './attention.js';
import { forceAttention, type AttentionChoice } from './force.js';

const withSubgroups: DeviceProfile = {
  ...defaultProfile,
  features: { ...defaultProfile.features, subgroups: true },
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
};
const software: DeviceProfile = { ...withSubgroups, isSoftware: true, subgroupMinSize: 8, subgroupMaxSize: 8 };

/** Kernels of an attention of heads this wide. */
function kernels(choice: AttentionChoice, profile: DeviceProfile, headDim = 64): string[] {
  const g = new Graph('test', { dtype: 'f16' });
  g.segment('run');
  const q = g.input('q', [1, 256, 2 * headDim]);
  const k = g.input('k', [1, 77, 2 * headDim]);
  g.output('y', attention(g, { q, k, v: k, heads: 2, label: 'attn' }));
  const plan = planProgram(g, profile, { pick: forceAttention(choice, profile) });
  return plan.segments[0]!.nodes.flatMap(({ dispatches }) => dispatches.map(({ kernel }) => kernel.name));
}

describe('forceAttention', () => {
  it.each([
    ['flash', withSubgroups, /flash/],
    ['flash', software, /flash/],
    ['split', withSubgroups, /product\/tiled/],
    ['split', software, /product\/tiled/],
    ['subgroup', withSubgroups, /product\/columns/],
    ['subgroup', software, /product\/columns/],
  ] as const)('%s', (choice, profile, expected) => {
    expect(kernels(choice, profile).join()).toMatch(expected);
    const others = [/flash/, /product\/tiled/, /product\/columns/].filter((o) => o.source !== expected.source);
    for (const other of others) expect(kernels(choice, profile).join()).not.toMatch(other);
  });

  it('leaves heads that the family cannot hold to the others', () => {
    expect(kernels('flash', software, 512).join()).not.toMatch(/flash/);
  });

  it('asks the pick it wraps, within the family', () => {
    const asked: string[][] = [];
    const pick = forceAttention('flash', withSubgroups, (_key, variants) => {
      asked.push([...variants]);
      return 'flash-streamed';
    });
    expect(pick('attention|1', ['flash-tiled', 'split-tiled64x64', 'flash-streamed'])).toBe('flash-streamed');
    expect(pick('linear 1', ['tiled64x64'])).toBe('flash-streamed');
    expect(asked).toEqual([['flash-tiled', 'flash-streamed'], ['tiled64x64']]);
  });

  it('auto is the wrapped pick itself', () => {
    const pick = forceAttention('auto', defaultProfile, (key) => key);
    expect(pick('attention|1', ['flash-tiled'])).toBe('attention|1');
    expect(forceAttention('auto', defaultProfile)('attention|1', ['flash-tiled'])).toBeUndefined();
  });

  it('says what an adapter lacks', () => {
    expect(() => forceAttention('subgroup', defaultProfile)).toThrow(
      expect.objectContaining({
        code: 'device/missing-feature',
        message: expect.stringMatching(
          /expected an adapter that can do "subgroup", got .*no subgroups.*Use "auto"/,
        ) as string,
      }),
    );
  });
});
