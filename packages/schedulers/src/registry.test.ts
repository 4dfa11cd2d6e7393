import { describe, expect, it } from 'vitest';
import { parseSchedulerConfig, type SchedulerConfig } from './config.js';
import { SchedulerError } from './errors.js';
import { packCoefficients } from './linear-map.js';
import { listSchedulers, schedulerFromConfig, schedulerNames, type SchedulerOverrides } from './registry.js';

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
  const needsKey: Readonly<Record<string, string>> = { DDIMScheduler: 'clip_sample', DDPMScheduler: 'clip_sample' };

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
    // By class name PNDM begins with Runge-Kutta steps where the key is missing.
    if (name === 'PNDMScheduler') return expect(asked.plan(12)).not.toEqual(whole.plan(12));
    expect(packCoefficients(asked.plan(12))).toEqual(packCoefficients(whole.plan(12)));
  });

  it.each<[string, SchedulerConfig]>([
    ['ddim', { clip_sample: true }],
    ['ddpm', { clip_sample: true }],
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

  it.each<[string, string, SchedulerConfig]>([
    ['DPM++ 2M Karras', 'DPMSolverMultistepScheduler', { algorithm_type: 'dpmsolver++', use_karras_sigmas: true }],
    ['dpmpp_2m_karras', 'DPMSolverMultistepScheduler', { algorithm_type: 'dpmsolver++', use_karras_sigmas: true }],
    [
      'dpm++ 2m sde exponential',
      'DPMSolverMultistepScheduler',
      { algorithm_type: 'sde-dpmsolver++', use_exponential_sigmas: true },
    ],
    ['DPM++ 2M SDE Heun', 'DPMSolverMultistepScheduler', { algorithm_type: 'sde-dpmsolver++', solver_type: 'heun' }],
    ['DPM++ 3M SDE', 'DPMSolverMultistepScheduler', { algorithm_type: 'sde-dpmsolver++', solver_order: 3 }],
    ['DPM++ SDE Karras', 'DPMSolverSDEScheduler', { use_karras_sigmas: true }],
    ['Euler a', 'EulerAncestralDiscreteScheduler', {}],
    ['euler_ancestral', 'EulerAncestralDiscreteScheduler', {}],
    ['Euler SGM Uniform', 'EulerDiscreteScheduler', { timestep_spacing: 'trailing' }],
    ['DPM2 a Karras', 'KDPM2AncestralDiscreteScheduler', { use_karras_sigmas: true }],
    ['dpm_2', 'KDPM2DiscreteScheduler', {}],
    ['LMS Karras', 'LMSDiscreteScheduler', { use_karras_sigmas: true }],
    ['Heun beta', 'HeunDiscreteScheduler', { use_beta_sigmas: true }],
    ['uni_pc', 'UniPCMultistepScheduler', {}],
    ['PLMS', 'PNDMScheduler', { skip_prk_steps: true }],
    ['LCM', 'LCMScheduler', {}],
  ])('takes "%s" for %s', (name, className, keys) => {
    const asked = schedulerFromConfig(bare, { scheduler: name });
    expect(asked.name).toBe(className);
    expect(asked.plan(12)).toEqual(schedulerFromConfig(bare, { scheduler: className, ...keys }).plan(12));
  });

  it.each(['DPM fast', 'Euler a Karras', 'karras', 'DPM++ 2M Karras Exponential', 'DDIM Karras', ''])(
    'does not guess what "%s" means',
    (scheduler) => {
      expect(() => schedulerFromConfig(SDXL, { scheduler })).toThrow(
        expect.objectContaining({ code: 'scheduler/unknown' }),
      );
    },
  );

  it('lets what a newer version switched off pass in a file, but not among a caller’s own keys', () => {
    expect(() => schedulerFromConfig({ ...SDXL, use_new_sigmas: false, new_shift: null })).not.toThrow();
    expect(() => schedulerFromConfig(SDXL, { use_new_sigmas: false })).toThrow(/use_new_sigmas/);
  });

  it('lists every short name once, with a class it builds', () => {
    const entries = listSchedulers();
    expect(new Set(entries.flatMap(({ name, aliases }) => [name, ...aliases])).size).toBe(
      entries.reduce((sum, { aliases }) => sum + 1 + aliases.length, 0),
    );
    for (const { name, className, aliases, stochastic, evaluations, spreads } of entries) {
      const made = schedulerFromConfig(bare, { scheduler: name });
      expect(made.name).toBe(className);
      const plan = made.plan(9);
      for (const alias of aliases) expect(schedulerFromConfig(bare, { scheduler: alias }).plan(9)).toEqual(plan);
      expect(plan.evaluations.some(({ drawsNoise }) => drawsNoise)).toBe(stochastic);
      // PNDM takes its first step twice, and a second-order solver its last once.
      expect(plan.evaluations.length).toBe(name === 'pndm' ? 10 : 9 * evaluations - (evaluations - 1));
      const karras = () => schedulerFromConfig(bare, { scheduler: `${name}-karras` });
      if (spreads) expect(karras().plan(9)).not.toEqual(plan);
      else expect(karras).toThrow(expect.objectContaining({ code: 'scheduler/unknown' }));
    }
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
    [{ clip_sample: true }, 'ddim', 'scheduler/unsupported'],
    [{ clip_sample: null }, 'ddim', 'scheduler/unsupported'],
    [{ thresholding: true }, 'ddim', 'scheduler/unsupported'],
    [{ thresholding: true }, 'dpmpp-2m', 'scheduler/unsupported'],
    [{ variance_type: 'learned_range' }, 'dpmpp-2m', 'scheduler/unsupported'],
    [{ variance_type: 'learned_range' }, 'ddpm', 'scheduler/config'],
    [{ variance_type: 'fixed_large_log' }, 'ddpm', 'scheduler/config'],
    [{ use_flow_sigmas: true }, 'unipc', 'scheduler/unsupported'],
    [{ use_dynamic_shifting: true }, 'deis', 'scheduler/unsupported'],
    [{ solver_p: {} }, 'unipc', 'scheduler/unsupported'],
    [{ use_karras_sigmas: true, use_beta_sigmas: true }, 'lms', 'scheduler/config'],
    [{ final_sigmas_type: 'zero', algorithm_type: 'dpmsolver' }, 'DPMSolverMultistepScheduler', 'scheduler/config'],
    [{ solver_order: 4 }, 'unipc', 'scheduler/config'],
    [{ original_inference_steps: 2000 }, 'lcm', 'scheduler/config'],
    [{ sigma_schedule: 'beta' }, 'EDMEulerScheduler', 'scheduler/config'],
    [{ use_karas_sigmas: true }, 'euler', 'scheduler/unsupported'],
    [{ predict_epsilon: false }, 'ddpm', 'scheduler/unsupported'],
  ])('refuses %o for %s, saying which key', (config, scheduler, code) => {
    const act = (): unknown => schedulerFromConfig({ ...SDXL, ...config }, { scheduler });
    expect(act).toThrow(SchedulerError);
    expect(act).toThrow(expect.objectContaining({ code }));
    expect(act).toThrow(new RegExp(Object.keys(config).join('|')));
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
