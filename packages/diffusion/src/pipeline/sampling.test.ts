import { alignYourSteps, schedulerFromConfig } from '@pleinair/schedulers';
import { describe, expect, it } from 'vitest';
import { fakeModel } from '../../test/fake-model.js';
import { samplingOf } from './sampling.js';

const euler = schedulerFromConfig({}, { scheduler: 'euler' });

describe('the schedule of a request', () => {
  it('is the whole one, or the part that a picture or another model leaves', () => {
    const of = (wish: object, strength?: number) => samplingOf(fakeModel(), { scheduler: 'euler', ...wish }, strength);
    expect(of({})).toEqual(euler.plan(20));
    expect(of({ steps: 10 }, 0.35)).toEqual(euler.plan(10, { startStep: 7 }));
    expect(of({ denoisingEnd: 0.8 })).toEqual(euler.plan(20, { endStep: 16 }));
    expect(of({ denoisingStart: 0.8 })).toEqual(euler.plan(20, { startStep: 16 }));
    expect(() => of({ steps: 10 }, 0.05)).toThrow(expect.objectContaining({ code: 'scheduler/steps' }));
  });

  it('takes levels of the caller’s own, which say how many steps there are', () => {
    const plan = samplingOf(fakeModel(), { scheduler: 'euler', steps: 30, sigmas: [10, 3, 1, 0] });
    expect(plan).toEqual(euler.plan(3, { sigmas: [10, 3, 1, 0] }));
    expect(samplingOf(fakeModel(), { scheduler: 'euler', timesteps: [900, 10] }).steps).toBe(2);
    const aligned = samplingOf(fakeModel(), { scheduler: 'euler', steps: 10, sigmas: 'align-your-steps' });
    expect(aligned).toEqual(euler.plan(10, { sigmas: alignYourSteps('sd', 10) }));
  });
});
