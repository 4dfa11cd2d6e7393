import { modelPath as model } from '@pleinair/demo-model';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { analysisBy } from './analyses.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-analyses-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

let told = '';
const stream = new Writable({
  write(chunk: Buffer, _encoding, done) {
    told += chunk.toString();
    done();
  },
});
const taken = (method: string) => analysisBy(method, { folder, model }, { out: stream, err: stream });
const recipe = '{"recipes":{"a":{"conv_out":4}}}';

it('takes no analysis that cannot be told from one of another model or of other settings', async () => {
  const path = join(folder, 'published.json');
  await writeFile(path, recipe);
  await expect(taken('published')).rejects.toThrow(/published\.json: expected published\.json\.log beside it/);

  await writeFile(`${path}.log`, '{"evaluations":1,"settings":{"purpose":"another"}}\n');
  await expect(taken('published')).rejects.toMatchObject({ exitCode: 2 });
  expect(told).toMatch(
    /published\.json\.log: expected results of this analysis to go on from, got those of another model/,
  );
  expect(await readFile(path, 'utf8')).toBe(recipe);
});
