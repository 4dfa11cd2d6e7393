import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEvaluationLog } from './evaluation-log-file.js';

const settings = { method: 'published', prompts: ['größe'] };
let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palettize-'));
  path = join(folder, 'log.jsonl');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('openEvaluationLog', () => {
  it('finds again what was recorded, to the last bit', async () => {
    const log = await openEvaluationLog(path, settings);
    expect(log.resumed).toBe(0);
    await log.record('a', [0.1 + 0.2, 1e-300]);
    await log.record('b', [82]);
    expect(log.get('a')).toEqual([0.1 + 0.2, 1e-300]);
    await log.close();
    const again = await openEvaluationLog(path, settings);
    expect(again.resumed).toBe(2);
    expect(again.get('a')).toEqual([0.1 + 0.2, 1e-300]);
    expect(again.get('c')).toBeUndefined();
    await again.close();
  });

  it('drops what was cut short at any byte, and no more', async () => {
    const log = await openEvaluationLog(path, settings);
    await log.record('a', [1]);
    await log.record('b', [2]);
    await log.close();
    const whole = await readFile(path);
    const ends = [...whole.keys()].filter((i) => whole[i] === 10).map((i) => i + 1);
    for (let length = 0; length <= whole.length; length++) {
      await writeFile(path, whole.subarray(0, length));
      const cut = await openEvaluationLog(path, settings);
      expect(cut.resumed).toBe(Math.max(0, ends.filter((end) => end <= length).length - 1));
      await cut.record('c', [3]);
      await cut.close();
      const after = await openEvaluationLog(path, settings);
      expect(after.resumed).toBe(cut.resumed + 1);
      expect(after.get('c')).toEqual([3]);
      await after.close();
    }
  });

  it('refuses results of other settings, damaged lines, and places that cannot be written', async () => {
    await (await openEvaluationLog(path, settings)).close();
    await expect(openEvaluationLog(path, { ...settings, method: 'fast' })).rejects.toMatchObject({
      code: 'recipe/other-analysis',
    });
    await appendFile(path, '["a",[1,null]]\n');
    await expect(openEvaluationLog(path, settings)).rejects.toMatchObject({ code: 'recipe/invalid' });
    await expect(openEvaluationLog(join(folder, 'none', 'log'), settings)).rejects.toMatchObject({
      code: 'palettize/not-writable',
    });
    await expect(openEvaluationLog(folder, settings)).rejects.toMatchObject({ code: 'palettize/not-writable' });
  });
});
