import { describe, expect, it } from 'vitest';
import { float32Bytes, fnv1a, readSchedules } from '../test/goldens.js';
import { ConfigReader } from './config.js';
import { buildNoiseTable, ZERO_SNR_FLOOR } from './schedule/noise-table.js';
import { schedulerFromConfig } from './registry.js';

const goldens = readSchedules();

describe('noise tables, recorded from diffusers', () => {
  it.each(goldens.tables)('$config', ({ config, hash, at, alphasCumprod }) => {
    const table = buildNoiseTable(new ConfigReader(config, 'test'), { zeroSnrFloor: ZERO_SNR_FLOOR });
    // Square roots of whole tables are an ulp away from √ in torch, and rescaling then subtracts such roots.
    const rescaled = config.rescale_betas_zero_snr === true;
    at.forEach((index, i) => {
      const want = alphasCumprod[i]!;
      expect(Math.abs(table.alphasCumprod[index]! - want)).toBeLessThanOrEqual(rescaled ? 2 ** -22 : want * 1e-8);
    });
    if (!rescaled) expect(fnv1a(float32Bytes(table.alphasCumprod))).toBe(hash);
  });
});

describe('timesteps and sigmas for every usual number of steps, recorded from diffusers', () => {
  it.each(goldens.schedules)(
    '$config._class_name $config.timestep_spacing karras $config.use_karras_sigmas',
    (golden) => {
      const scheduler = schedulerFromConfig(golden.config);
      expect(golden.groups.flatMap(({ steps }) => steps).length).toBeGreaterThan(140);
      for (const group of golden.groups) {
        const evaluations = group.steps.flatMap((steps) => scheduler.plan(steps).evaluations);
        const where = `${group.steps[0]} to ${group.steps.at(-1)} steps`;
        if (group.timesteps !== null) {
          expect(fnv1a(float32Bytes(evaluations.map(({ timestep }) => timestep))), where).toBe(group.timesteps);
        }
        if (group.sigmas !== 0) {
          const total = evaluations.reduce((sum, { sigma }) => sum + sigma, 0);
          expect(Math.abs(total / group.sigmas - 1), where).toBeLessThan(2 ** -23);
        }
      }
    },
  );

  it.each(goldens.schedules.filter(({ odd }) => odd.length > 0))(
    '$config._class_name: trailing spacing never lays out the extra timestep −1 that diffusers does for some numbers',
    ({ config, odd }) => {
      const scheduler = schedulerFromConfig(config);
      for (const steps of odd) {
        const timesteps = scheduler.plan(steps).evaluations.map((evaluation) => evaluation.timestep);
        expect(timesteps.length).toBe(steps);
        expect(timesteps[0]).toBe(999);
        expect(timesteps.at(-1)).toBeGreaterThanOrEqual(0);
      }
    },
  );
});
