import { expect, it } from 'vitest';
import type { StoredDetails } from './engine/protocol.js';
import { storedModel } from './stored-model.js';

const details: StoredDetails = {
  kind: 'details',
  needs: { verdict: 'runs', reason: '' },
  defaults: { width: 512, height: 512, steps: 30, guidance: 5 },
};

it.each([
  ['someone/landscapes', { steps: 30, guidance: 5 }],
  ['someone/sdxl-turbocharged', { steps: 30, guidance: 5 }],
  ['stabilityai/sdxl-turbo', { steps: 4, guidance: 1 }],
  ['stabilityai/sdxl-turbo@fp16', { steps: 4, guidance: 1 }],
  ['stabilityai/sd-turbo', { steps: 4, guidance: 1 }],
])('%s is painted with %j', (name, defaults) => {
  expect(storedModel(name, details).defaults).toEqual(defaults);
});

it('says why one cannot be painted with', () => {
  const needs = { ...details.needs, verdict: 'cannot-run', reason: 'too large' } as const;
  expect(storedModel('someone/large', { ...details, needs }).unable).toBe('too large');
  const failed = storedModel('someone/broken', { kind: 'failed', code: 'weights/gap', message: 'a gap' });
  expect(failed.unable).toBe('a gap');
});
