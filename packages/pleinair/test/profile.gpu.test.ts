import { modelUrl } from '@pleinair/demo-model';
import { testDevice } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { load } from '../src/painter.js';

const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const shape = { width: 64, height: 64 };

describe('where time and memory of a picture go', () => {
  it.skipIf(slow)('is told dispatch by dispatch and byte by byte (asked of one adapter, not SwiftShader)', async () => {
    const device = await testDevice();
    const painter = await load(modelUrl, { device, tune: 'off', memory: 'balanced' });
    const map = painter.memoryMap(shape);
    expect(structuredClone(map)).toEqual(map);
    expect(map).toMatchObject({ mode: 'balanced', ...shape, precision: 'f16' });
    expect(map.modes.map(({ mode }) => mode)).toEqual(['low', 'balanced', 'resident']);
    for (const { peakBytes, parts } of map.modes) {
      expect(parts.map(({ part }) => part)).toEqual(['text_encoder', 'text_encoder_2', 'unet', 'vae_decoder']);
      const segments = parts.flatMap((part) => part.segments);
      const held = segments.map((each) => each.weightsBytes + each.persistentBytes + each.arenaBytes);
      expect(Math.max(...held)).toBe(peakBytes);
      for (const { live, arenaBytes, labels } of segments) {
        expect(Math.max(...live)).toBeLessThanOrEqual(arenaBytes);
        expect(labels).toHaveLength(live.length);
      }
    }
    await painter.generate({ prompt: 'a lighthouse', seed: 1, steps: 1, ...shape });
    const second = await painter.generate({ prompt: 'a lighthouse', seed: 1, steps: 1, ...shape });
    const balanced = map.modes.find(({ mode }) => mode === 'balanced')!;
    expect(painter.memoryMap({ ...shape, steps: 1 }).modes[1]!.peakBytes).toBe(second.memory.peakBytes);
    expect(balanced.parts.map(({ isKept }) => isKept)).toEqual([false, false, true, true]);

    const profile = await painter.profile({ ...shape, steps: 1, parts: ['vae_decoder', 'unet'] });
    expect(structuredClone(profile)).toEqual(profile);
    expect(profile.source).toBe(device.profile.features.timestampQuery ? 'timestamps' : 'planned');
    expect(profile.segments.map(({ part, segment }) => `${part} ${segment}`)).toEqual([
      'unet prompt',
      'unet schedule',
      'unet step',
      'vae_decoder decode',
    ]);
    const step = profile.segments[2]!;
    expect(step.kernels.some(({ label }) => label === 'down_blocks.0.resnets.0.conv1')).toBe(true);
    expect(step.kernels.every(({ ms, family }) => ms >= 0 && family !== '')).toBe(true);
    expect(step.ms).toBeGreaterThan(0);
    expect(step.families.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(step.ms, 6);
    // A profile leaves the painter as it was.
    const third = await painter.generate({ prompt: 'a lighthouse', seed: 1, steps: 1, ...shape });
    expect(third.images[0]!.rgba).toEqual(second.images[0]!.rgba);
    await expect(painter.profile({ parts: ['ears'] })).rejects.toMatchObject({ code: 'shape/option' });
    await expect(painter.profile({ ...shape, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    painter.dispose();
  });
});
