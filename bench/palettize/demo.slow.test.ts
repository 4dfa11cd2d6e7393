import { modelPath as model } from '@pleinair/demo-model';
import { testDevice } from '@pleinair/testing';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { analysisBy } from './analyses.js';
import { evaluateDemo } from './evaluate-demo.js';
import { curveChecks, methodChecks, otherCurves, type Check } from './record.js';

// Analyses made on this machine are taken up where they were left, as bench does; what recipes reach is measured anew.
const folder = join(import.meta.dirname, '..', '..', '.cache', 'palettize');

let curves: Check[];
let methods: Check[];
beforeAll(async () => {
  const published = await analysisBy('published', { folder, model });
  const fast = await analysisBy('fast', { folder, model });
  const device = await testDevice();
  const found = await evaluateDemo({ device, model, files: { published, fast }, prompts: 16, points: 16 });
  curves = curveChecks(found);
  methods = methodChecks(found);
  for (const { what, figures } of [...curves, ...methods]) console.log(`${what}: ${figures}`);
  for (const line of otherCurves(found)) console.log(`not asked: ${line}`);
}, 12 * 3_600_000);

const failing = (checks: readonly Check[]): Check[] => checks.filter(({ holds }) => !holds);

describe('recipes of the demo model, on prompts no analysis has seen', () => {
  it('lie above all curves of one width made as they are, and those of 4, 6 and 8 bits above linear 8-bit', () => {
    expect(curves).toHaveLength(5);
    expect(failing(curves)).toEqual([]);
  });

  it('are better by 3 dB with a tenth of the runs where fast made them', () => {
    expect(methods).toHaveLength(5);
    expect(failing(methods)).toEqual([]);
  });
});
