import { describe, expect, it } from 'vitest';
import { SchedulerError } from '../errors.js';
import { schedulerFromConfig } from '../registry.js';
import { planSampling } from '../sampling-plan.js';
import { stepsOfPart } from './part-of-schedule.js';

const SDXL = {
  _class_name: 'EulerDiscreteScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  skip_prk_steps: true,
  steps_offset: 1,
  timestep_spacing: 'leading',
};
const euler = schedulerFromConfig(SDXL);

describe('a part of a schedule', () => {
  it.each([
    [30, 0.6, 12],
    [50, 0.3, 35],
    [20, 1, 0],
    [7, 0.5, 4],
    [4, 0.99, 1],
  ])('of %i steps at strength %f begins at step %i, as diffusers', (steps, strength, startStep) => {
    expect(stepsOfPart(euler, steps, { strength })).toEqual({ startStep, endStep: steps });
  });

  it.each([0.2, 0.5, 0.8, 0.801, 0.95])('cut at %f is shared out between base and refiner', (at) => {
    const { endStep } = stepsOfPart(euler, 30, { denoisingEnd: at });
    const { startStep } = stepsOfPart(euler, 30, { denoisingStart: at, strength: 0.1 });
    expect(startStep).toBe(endStep);
    const cutoff = 1000 - Math.round(at * 1000);
    const timesteps = euler.plan(30).evaluations.map(({ timestep }) => timestep);
    expect(endStep).toBe(timesteps.filter((timestep) => timestep >= cutoff).length);
  });

  it.each(['heun', 'dpm2', 'dpmpp-sde'])('is cut between whole steps of %s', (scheduler) => {
    const two = schedulerFromConfig(SDXL, { scheduler });
    const { endStep } = stepsOfPart(two, 10, { denoisingEnd: 0.8 });
    expect(endStep).toBe(8);
    expect(two.plan(10, { endStep }).evaluations.length).toBe(16);
  });

  it('counts by custom timesteps where there are some', () => {
    const timesteps = [999, 600, 300, 100];
    expect(stepsOfPart(euler, 4, { denoisingEnd: 0.5 }, { timesteps })).toEqual({ startStep: 0, endStep: 2 });
  });

  it.each([{ strength: 1.2 }, { strength: -0.1 }, { denoisingEnd: Number.NaN }, { strength: 0 }, { strength: 0.05 }])(
    'refuses %o of ten steps',
    (part) => {
      expect(() => stepsOfPart(euler, 10, part)).toThrow(SchedulerError);
      expect(() => stepsOfPart(euler, 10, part)).toThrow(expect.objectContaining({ code: 'scheduler/steps' }));
    },
  );

  it('refuses parts with no step between start and end, and shares of a schedule in ln σ', () => {
    expect(() => stepsOfPart(euler, 10, { denoisingStart: 0.8, denoisingEnd: 0.4 })).toThrow(/with a step in it/);
    const edm = schedulerFromConfig({ _class_name: 'EDMEulerScheduler' });
    expect(() => stepsOfPart(edm, 10, { denoisingEnd: 0.8 })).toThrow(/ln σ/);
    expect(stepsOfPart(edm, 10, { strength: 0.4 })).toEqual({ startStep: 6, endStep: 10 });
  });
});

describe('planSampling', () => {
  it('plans what a request asks for', () => {
    expect(planSampling(SDXL, { steps: 12 }, 'sdxl')).toEqual(euler.plan(12));
    expect(planSampling(SDXL, { steps: 12, scheduler: 'DPM++ 2M', strength: 0.5 }, 'sdxl')).toEqual(
      schedulerFromConfig(SDXL, { scheduler: 'dpmpp-2m' }).plan(12, { startStep: 6, endStep: 12 }),
    );
    expect(planSampling(SDXL, { steps: 30, timesteps: [900, 500] }, 'sd').evaluations.length).toBe(2);
    expect(planSampling(SDXL, { steps: 30, sigmas: [10, 3, 0] }, 'sd').evaluations.map(({ sigma }) => sigma)).toEqual([
      10, 3,
    ]);
    const ddim = planSampling(SDXL, { steps: 5, scheduler: 'ddim', eta: 1 }, 'sd');
    expect(ddim.evaluations.every(({ drawsNoise }) => drawsNoise)).toBe(true);
  });

  it('takes the published levels of Align Your Steps for the model in hand', () => {
    const of = (model: 'sd' | 'sdxl', steps: number): number[] =>
      planSampling(SDXL, { steps, sigmas: 'align-your-steps' }, model).evaluations.map(({ sigma }) => sigma);
    expect(of('sdxl', 10)[1]).toBeCloseTo(6.315, 5);
    expect(of('sd', 10)[1]).toBeCloseTo(6.475, 5);
    expect(of('sd', 24)).toHaveLength(24);
    expect(() =>
      planSampling({ _class_name: 'EDMEulerScheduler' }, { steps: 10, sigmas: 'align-your-steps' }, 'sdxl'),
    ).toThrow(expect.objectContaining({ code: 'scheduler/unsupported' }));
  });

  it.each([
    [{ timesteps: [10, 20] }, /falling/],
    [{ timesteps: [1000, 20] }, /from 999/],
    [{ sigmas: [10, 10, 0] }, /falling/],
    [{ sigmas: [10, 3, 0], timesteps: [900, 500] }, /got both/],
    [{ sigmas: [10, 0], scheduler: 'ddim' }, /custom timesteps instead/],
    [{ timesteps: [10], scheduler: 'pndm' }, /another scheduler/],
    [{ timesteps: [10], scheduler: 'dpmpp-2m-karras' }, /karras sigmas beside/],
    [{ sigmas: [] }, /steps/],
  ])('refuses %o', (request, message) => {
    expect(() => planSampling(SDXL, { steps: 2, ...request }, 'sdxl')).toThrow(SchedulerError);
    expect(() => planSampling(SDXL, { steps: 2, ...request }, 'sdxl')).toThrow(message);
  });
});
