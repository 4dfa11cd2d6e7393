import type { RecipeEvaluation } from '@pleinair/palettize';
import { expect, it } from 'vitest';
import { curveChecks, methodChecks, otherCurves, recordLines, recordOf, type Check } from './record.js';

const line = (psnrs: Readonly<Record<number, number>>) =>
  Object.entries(psnrs).map(([bits, psnr]) => ({ bits: Number(bits), psnr, recipe: `at ${bits}` }));

const good: RecipeEvaluation = {
  original: 82,
  linear8: { published: { bits: 8.2, psnr: 60 }, perChannel: { bits: 8.2, psnr: 64 } },
  fixed: { 4: line({ 4: 52, 12: 68 }), 6: line({ 6: 62, 12: 74 }), 8: line({ 8.1: 72, 12: 80 }) },
  methods: {
    published: { runs: 1000, ownWeights: false, points: line({ 2.5: 45, 4.5: 56, 7: 70, 9: 76 }) },
    fast: { runs: 90, ownWeights: true, points: line({ 2.5: 49, 4.5: 60, 7: 74 }) },
  },
  prompts: 16,
  runs: 500,
};

const failing = (checks: readonly Check[]): string[] => checks.filter(({ holds }) => !holds).map(({ what }) => what);

it('passes where all is as it should be', () => {
  expect(failing([...curveChecks(good), ...methodChecks(good)])).toEqual([]);
  expect(methodChecks(good)).toHaveLength(5);
});

it('fails where a curve is below linear 8-bit, or does not reach its size', () => {
  const low = { ...good, fixed: { ...good.fixed, 4: line({ 4: 40, 12: 60 }), 8: line({ 8.3: 72, 12: 80 }) } };
  expect(failing(curveChecks(low))).toEqual([
    'the 4-bit curve is above linear 8-bit as published, at its size',
    'the 8-bit curve is above linear 8-bit as published, at its size',
  ]);
});

it('leaves palettes and scales out of sizes where palettes of 8 bits take more than linear 8-bit', () => {
  const eight = [
    { bits: 8.5, indexBits: 8, psnr: 72 },
    { bits: 12, indexBits: 11.8, psnr: 80 },
  ];
  const linear8 = { ...good.linear8, published: { bits: 8.2, indexBits: 8, psnr: 71 } };
  const at = (points: typeof eight) =>
    curveChecks({ ...good, linear8, fixed: { ...good.fixed, 8: points } }).find(({ what }) =>
      what.includes('8-bit curve is'),
    );
  expect(at(eight)).toMatchObject({
    holds: true,
    figures: '72.0 dB and 8.20 bits 71.0 dB, sizes without palettes and scales',
  });
  expect(at([{ ...eight[0]!, psnr: 70 }, eight[1]!])).toMatchObject({ holds: false });
});

it('fails where a recipe is below a curve of one width', () => {
  const methods = {
    ...good.methods,
    fast: { runs: 90, ownWeights: true, points: line({ 2.5: 49, 7: 63.9, 7.5: 75 }) },
  };
  const check = curveChecks({ ...good, methods }).find(({ holds }) => !holds);
  expect(check).toEqual({
    what: 'every recipe of fast is above every curve of one width',
    holds: false,
    figures: '3 of 4 pairs above; nearest: 7.00 bits 63.9 dB, 6-bit curve 64.0 dB',
  });
});

it('holds recipes of nearest entries against curves of nearest entries', () => {
  const fixed = { ...good.fixed, 6: line({ 6: 74, 12: 84 }) };
  const failed = (evaluation: RecipeEvaluation) => failing(curveChecks(evaluation));
  expect(failed({ ...good, fixed })).toEqual([
    'every recipe of published is above every curve of one width',
    'every recipe of fast is above every curve of one width',
  ]);
  expect(failed({ ...good, fixed, fixedNearest: good.fixed })).toEqual([
    'every recipe of fast is above every curve of one width',
  ]);
});

it('holds published recipes against published curves, and tells how they stand beside others', () => {
  const better = { ...good.fixed, 8: line({ 8.1: 75, 12: 90 }) };
  const failed = (evaluation: RecipeEvaluation) => failing(curveChecks(evaluation));
  const evaluation = { ...good, fixed: good.fixed, fixedNearest: better, fixedPublished: good.fixed };
  expect(failed(evaluation)).toEqual([]);
  expect(otherCurves(evaluation)).toContain(
    'published beside curves of nearest entries, by error a bit: 5 of 6 pairs above; nearest: 9.00 bits 76.0 dB, 8-bit curve 78.5 dB',
  );
  // Their own ones they have to be above.
  expect(failed({ ...evaluation, fixedPublished: better })).toEqual([
    'every recipe of published is above every curve of one width',
  ]);
  // Where there is but one kind, there is no other.
  expect(otherCurves(good)).toEqual([]);
});

it('fails where fast is not good enough, stops short of a size, or takes too many runs', () => {
  const methods = {
    ...good.methods,
    fast: { runs: 101, ownWeights: true, points: line({ 2.5: 49, 4.5: 58.9, 5: 74 }) },
  };
  expect(failing(methodChecks({ methods }))).toEqual([
    'fast is at least 3 dB better than published at 4.5 bits',
    'fast is at least 3 dB better than published at 6.5 bits',
    'fast takes at most 10 % of the runs',
  ]);
  expect(methodChecks({ methods: { published: good.methods['published']! } })).toEqual([]);
});

it('keeps what was measured beside adapter, versions, date and command', () => {
  const adapter = { name: 'a', vendor: 'v', architecture: 'x', software: true, features: [] };
  const about = { adapter, versions: { node: '20' }, command: 'npm run bench -- palettize', model: 'pleinair-demo' };
  const record = recordOf(good, about, new Date('2025-01-31T12:00:00Z'));
  expect(record).toMatchObject({ ...about, ...good, date: '2025-01-31' });
  expect(record.advantages.map(({ bits, gain }) => [bits, Math.round(gain)])).toEqual([
    [2.8, 4],
    [3.4, 4],
    [4.5, 4],
    [6.5, 4],
  ]);
  expect(recordLines(record)).toContain(
    'linear 8-bit as published 8.20 bits 60.0 dB, per output channel 8.20 bits 64.0 dB',
  );
});
