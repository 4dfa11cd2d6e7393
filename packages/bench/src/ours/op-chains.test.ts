import { defaultProfile, planProgram, type Device, type DeviceProfile } from '@pleinair/tensor';
import { expect, it } from 'vitest';
import { opCases, scaleNames } from '../shapes/scale.js';
import { OursChains, planOptions } from './op-chains.js';
import { forced } from './variants.js';

/** A software adapter's, with subgroups of so many lanes. */
function software(lanes: number, shaderF16: boolean): DeviceProfile {
  const features = { ...defaultProfile.features, subgroups: true, shaderF16 };
  return { ...defaultProfile, isSoftware: true, subgroupMinSize: lanes, subgroupMaxSize: lanes, features };
}

const profiles = [
  ['a GPU', defaultProfile],
  ['lavapipe', software(8, true)],
  ['SwiftShader', software(4, false)],
] as const;

// A chain alone would leave no room for transformed tiles, and a model does.
it.each(profiles.flatMap(([name, profile]) => scaleNames.map((scale) => [name, scale, profile] as const)))(
  "Winograd's algorithm is among the ways of every wide 3×3 convolution on %s, %s shapes",
  (_name, scale, profile) => {
    const device = { profile, pacer: { fork: () => undefined } } as unknown as Device;
    const wide = opCases('conv', { scale }).filter(
      ({ spec }) => spec.op === 'convolution' && spec.kernel === 3 && spec.channels >= 128 && spec.side >= 4,
    );
    expect(wide.some(({ shape }) => shape.includes('vae'))).toBe(true);
    const without = wide.filter((op) => {
      const offered = new Set<string>();
      planProgram(new OursChains(device, op, { dtype: 'f32' }).record(2), profile, {
        ...planOptions(op, 'f32'),
        pick(_key, variants) {
          for (const variant of variants) offered.add(variant);
          return undefined;
        },
      });
      return ![...offered].some((variant) => variant.startsWith('winograd'));
    });
    expect(without.map(({ shape }) => shape)).toEqual([]);
  },
);

it.each(profiles.flatMap(([name, profile]) => scaleNames.map((scale) => [name, scale, profile] as const)))(
  'palettized shapes that name a variant run in it on %s, %s shapes, packed or not',
  (_name, scale, profile) => {
    const device = { profile, pacer: { fork: () => undefined } } as unknown as Device;
    const named = opCases('palettized', { scale }).filter(({ variant }) => variant !== undefined);
    expect(named.map(({ variant }) => variant)).toEqual(['winograd4-sliced', 'winograd4-loaded']);
    for (const op of named) {
      for (const decoded of [false, true]) {
        const chains = new OursChains(device, op, { dtype: 'f16', pick: forced(op.variant!), decoded });
        expect(chains.variant(), op.shape).toContain(op.variant);
      }
    }
  },
);
