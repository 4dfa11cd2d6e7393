import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_VALUES, type AttributeName, type Attributes } from './attributes.js';
import { checkAttributes, matches } from './checker.js';

// 200 scenes drawn from seeds that training never saw (tools/demo-model/make_fixture.py).
const folder = new URL('../test/fixtures/', import.meta.url);
const labels = JSON.parse(readFileSync(new URL('scenes.json', folder), 'utf8')) as Attributes[];
const pixels = inflateSync(readFileSync(new URL('scenes.rgb.zz', folder)));
const side = 128;

const found = labels.map((_, i) => {
  const rgba = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let p = 0; p < side * side; p++) {
    for (let c = 0; c < 3; c++) rgba[4 * p + c] = pixels[(i * side * side + p) * 3 + c] ?? 0;
  }
  return checkAttributes(rgba, side, side);
});

describe('the attribute checker', () => {
  it('is right on at least 98 % of drawn scenes, in every attribute at once', () => {
    const right = labels.filter((asked, i) => matches(asked, found[i] as Attributes)).length;
    expect(right / labels.length).toBeGreaterThanOrEqual(0.98);
  });

  it('is near chance when the labels are shuffled', () => {
    for (const name of Object.keys(ATTRIBUTE_VALUES) as AttributeName[]) {
      // Chance: how often two scenes drawn at random agree.
      const pairs = labels.flatMap((a, i) => labels.slice(i + 1).map((b) => (a[name] === b[name] ? 1 : 0) as number));
      const chance = pairs.reduce((sum, v) => sum + v, 0) / pairs.length;
      const agreeing = labels.filter((l, i) => l[name] === found[(i + 37) % labels.length]?.[name]).length;
      expect(Math.abs(agreeing / labels.length - chance)).toBeLessThan(0.12);
    }
    const whole = labels.filter((l, i) => matches(l, found[(i + 37) % labels.length] as Attributes)).length;
    expect(whole / labels.length).toBeLessThan(0.04);
  });

  it('gives no season to a desert or a sea', () => {
    for (const { terrain, season } of found) {
      expect(season === null).toBe(terrain === 'desert' || terrain === 'sea');
    }
  });

  it('refuses pixels of the wrong length', () => {
    expect(() => checkAttributes(new Uint8Array(12), 2, 2)).toThrow(/expected 16 bytes, got 12/);
  });

  it('asks nothing of attributes left open', () => {
    const scene: Attributes = { time: 'night', terrain: 'sea', season: null, sky: 'moon', object: 'none' };
    expect(matches({}, scene)).toBe(true);
    expect(matches({ time: 'night', sky: 'moon' }, scene)).toBe(true);
    expect(matches({ time: 'night', sky: 'sun' }, scene)).toBe(false);
  });
});
