import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckReport } from './run-checks.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the bundle does with a test does not depend on the adapter. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

// Inside the repository, where Dawn's binding is found.
let folder: string;
beforeAll(async () => {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, 'gpu-bundle-'));
  await run(process.execPath, [join(root, 'scripts', 'bundle-gpu.mjs'), join(folder, 'gpu.mjs')]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.skipIf(slow)(
  "the bundle runs kernels' tests with nothing but Node and Dawn (asked of one adapter, not SwiftShader)",
  async () => {
    const json = join(folder, 'report.json');
    const { stdout } = await run(process.execPath, [
      join(folder, 'gpu.mjs'),
      'check',
      '--filter',
      'shader/storage',
      '--json',
      json,
    ]);
    const report = JSON.parse(await readFile(join(folder, 'report-check.json'), 'utf8')) as CheckReport;
    expect(report.failed).toEqual([]);
    expect(report.passed).toBeGreaterThan(0);
    expect(stdout).toMatch(/^ok {3}packages\/kernels\/src\/shader\/storage\.gpu\.test\.ts: [1-9]\d* passed, 0 failed/m);
  },
);

it.skipIf(slow)('a run in which nothing was checked fails (asked of one adapter, not SwiftShader)', async () => {
  await expect(run(process.execPath, [join(folder, 'gpu.mjs'), 'check', '--filter', 'nowhere'])).rejects.toMatchObject({
    code: 1,
  });
});
