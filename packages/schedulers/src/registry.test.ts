import { describe, expect, it } from 'vitest';
import { parseSchedulerConfig, type SchedulerConfig } from './config.js';
import { SchedulerError } from './errors.js';
import { packCoefficients } from './linear-map.js';
import { schedulerFromConfig, schedulerNames, type SchedulerOverrides } from './registry.js';

/** The configuration SDXL base ships. */
const SDXL: SchedulerConfig = {
  _class_name: 'EulerDiscreteScheduler',
  _diffusers_version: '0.19.0.dev0',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  interpolation_type: 'linear',
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  sample_max_value: 1.0,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  timestep_spacing: 'leading',
  trained_betas: null,
  use_karras_sigmas: false,
};

function sigmas(overrides: SchedulerOverrides): number[] {
  return schedulerFromConfig(SDXL, overrides)
    .plan(10)
    .evaluations.map(({ sigma }) => sigma);
}

describe('schedulerFromConfig', () => {
  it('builds what the configuration names', () => {
    const scheduler = schedulerFromConfig(SDXL);
    expect(scheduler.name).toBe('EulerDiscreteScheduler');
    expect(scheduler.trainTimesteps).toBe(1000);
    const { evaluations } = scheduler.plan(20);
    expect(evaluations.map(({ timestep }) => timestep).slice(0, 3)).toEqual([951, 901, 851]);
  });

  it.each(schedulerNames())('builds "%s" over the same configuration', (name) => {
    const plan = schedulerFromConfig(SDXL, { scheduler: name }).plan(12);
    expect(plan.evaluations.length).toBeGreaterThanOrEqual(12);
    const rows = 1 + plan.slots;
    expect(packCoefficients(plan).length).toBe(plan.evaluations.length * rows * (rows + 2));
  });

  // Configurations written by the classes themselves hold their own keys only: nothing of DDIM's or PNDM's here.
  const { clip_sample: _clip, skip_prk_steps: _prk, set_alpha_to_one: _alpha, ...bare } = SDXL;
  const needsKey: Readonly<Record<string, string>> = { DDIMScheduler: 'clip_sample', PNDMScheduler: 'skip_prk_steps' };

  it.each(schedulerNames())('"%s" over a configuration with only EulerDiscreteScheduler\'s keys', (name) => {
    const build = () => schedulerFromConfig(bare, { scheduler: name });
    if (needsKey[name]) {
      // By class name a missing key means what diffusers means by it.
      expect(build).toThrow(expect.objectContaining({ code: 'scheduler/unsupported' }));
      expect(build).toThrow(needsKey[name]);
      return;
    }
    const asked = build();
    const whole = schedulerFromConfig({ ...bare, clip_sample: false, skip_prk_steps: true }, { scheduler: name });
    expect(asked.name).toBe(whole.name);
    expect(packCoefficients(asked.plan(12))).toEqual(packCoefficients(whole.plan(12)));
  });

  it.each<[string, SchedulerConfig]>([
    ['ddim', { clip_sample: true }],
    ['pndm', { skip_prk_steps: false }],
  ])('"%s" does not overrule %o', (name, config) => {
    for (const build of [
      () => schedulerFromConfig({ ...bare, ...config }, { scheduler: name }),
      () => schedulerFromConfig(bare, { scheduler: name, ...config }),
    ]) {
      expect(build).toThrow(expect.objectContaining({ code: 'scheduler/unsupported' }));
    }
  });

  it('lets short names and overrides change the configuration', () => {
    expect(sigmas({ scheduler: 'dpmpp-2m-karras' })).not.toEqual(sigmas({ scheduler: 'dpmpp-2m' }));
    expect(sigmas({ scheduler: 'dpmpp-2m', use_karras_sigmas: true })).toEqual(
      sigmas({ scheduler: 'dpmpp-2m-karras' }),
    );
    expect(sigmas({ scheduler: 'euler', timestep_spacing: 'trailing' })).not.toEqual(sigmas({ scheduler: 'euler' }));
  });

  it('lists the known names when it does not know one', () => {
    for (const act of [
      () => schedulerFromConfig(SDXL, { scheduler: 'toString' }),
      () => schedulerFromConfig({ ...SDXL, _class_name: 'MagicScheduler' }),
      () => schedulerFromConfig({}),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'scheduler/unknown' }));
      for (const name of schedulerNames()) expect(act).toThrow(name);
    }
  });

  it.each<[SchedulerConfig, string, string]>([
    [{ timestep_spacing: 'sideways' }, 'euler', 'scheduler/config'],
    [{ beta_schedule: 'sigmoid' }, 'euler', 'scheduler/config'],
    [{ num_train_timesteps: 0 }, 'euler', 'scheduler/config'],
    [parseSchedulerConfig('{"beta_start": "0.1"}'), 'ddim', 'scheduler/config'],
    [{ prediction_type: 'flow_prediction' }, 'dpmpp-2m', 'scheduler/config'],
    [{ prediction_type: 'sample' }, 'euler-ancestral', 'scheduler/config'],
    [{ trained_betas: [0.1, 0.2] }, 'ddim', 'scheduler/config'],
    [parseSchedulerConfig('{"use_karras_sigmas": "yes"}'), 'euler', 'scheduler/config'],
    [{ solver_order: 4 }, 'DPMSolverMultistepScheduler', 'scheduler/config'],
    [{ lambda_min_clipped: 1000 }, 'dpmpp-2m', 'scheduler/config'],
    [{ clip_sample: true }, 'heun', 'scheduler/unsupported'],
    [{ skip_prk_steps: false }, 'pndm', 'scheduler/unsupported'],
    [{ clip_sample: true }, 'ddim', 'scheduler/unsupported'],
    [{ clip_sample: null }, 'ddim', 'scheduler/unsupported'],
    [{ thresholding: true }, 'ddim', 'scheduler/unsupported'],
    [{ thresholding: true }, 'dpmpp-2m', 'scheduler/unsupported'],
    [{ use_beta_sigmas: true }, 'euler', 'scheduler/unsupported'],
    [{ use_lu_lambdas: true }, 'dpmpp-2m', 'scheduler/unsupported'],
    [{ algorithm_type: 'sde-dpmsolver++' }, 'DPMSolverMultistepScheduler', 'scheduler/unsupported'],
    [{ variance_type: 'learned_range' }, 'dpmpp-2m', 'scheduler/unsupported'],
  ])('refuses %o for %s, saying which key', (config, scheduler, code) => {
    const act = (): unknown => schedulerFromConfig({ ...SDXL, ...config }, { scheduler });
    expect(act).toThrow(SchedulerError);
    expect(act).toThrow(expect.objectContaining({ code }));
    expect(act).toThrow(Object.keys(config)[0]!);
    expect(act).toThrow(/expected .*got .*\. /s);
  });
});

describe('plan', () => {
  it.each([0, -1, 1.5, Number.NaN, 1001])('refuses %d steps', (steps) => {
    for (const scheduler of schedulerNames()) {
      expect(() => schedulerFromConfig(SDXL, { scheduler }).plan(steps)).toThrow(
        expect.objectContaining({ code: 'scheduler/steps' }),
      );
    }
  });

  it.each([
    [5, 5],
    [-1, 3],
    [0, 11],
    [0.5, 3],
    [3, 2],
  ])('refuses steps %d to %d of 10', (startStep, endStep) => {
    for (const scheduler of schedulerNames()) {
      expect(() => schedulerFromConfig(SDXL, { scheduler }).plan(10, { startStep, endStep })).toThrow(
        expect.objectContaining({ code: 'scheduler/steps' }),
      );
    }
  });

  it('refuses a negative eta, and timesteps past the table', () => {
    const ddim = schedulerFromConfig(SDXL, { scheduler: 'ddim' });
    expect(() => ddim.plan(10, { eta: -0.1 })).toThrow(expect.objectContaining({ code: 'scheduler/steps' }));
    expect(() => ddim.plan(1000)).toThrow(/steps_offset/);
  });

  it('refuses an epsilon model where no signal is left', () => {
    const config = { ...SDXL, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
    expect(() => schedulerFromConfig(config, { scheduler: 'ddim' }).plan(10)).toThrow(/v_prediction/);
    expect(() =>
      schedulerFromConfig({ ...config, prediction_type: 'v_prediction' }, { scheduler: 'ddim' }).plan(10),
    ).not.toThrow();
  });
});

describe('parseSchedulerConfig', () => {
  it('reads the infinities Python writes, and leaves strings alone', () => {
    const config = parseSchedulerConfig(
      '{"lambda_min_clipped": -Infinity, "a": "-Infinity \\" NaN", "b": [Infinity, NaN]}',
    );
    expect(config).toEqual({ lambda_min_clipped: -Infinity, a: '-Infinity " NaN', b: [Infinity, null] });
  });

  it.each(['', '[1]', 'null', '{"a": }', '<html>'])('refuses %o', (text) => {
    expect(() => parseSchedulerConfig(text)).toThrow(expect.objectContaining({ code: 'scheduler/config' }));
  });
});

describe('SchedulerError', () => {
  it('carries the mark by which Pleinair packages know each other’s errors', () => {
    const error = new SchedulerError('scheduler/config', 'x');
    expect(Reflect.get(error, Symbol.for('pleinair.error'))).toBe(true);
    expect(error.name).toBe('SchedulerError');
  });
});
