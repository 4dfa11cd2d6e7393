import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lastLine, runCli } from './run-cli.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-tune-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

// A small picture: what counts here is not how much is won.
const size = ['--width', '64', '--height', '64'];

describe('pleinair tune', () => {
  it('times nothing on a second run after a first picture, and neither does its plan', async () => {
    const made = (...flags: string[]): Promise<{ code: number; out: string }> =>
      runCli('generate', 'a red tulip', '--seed', '1', '--steps', '1', '--out', folder, '--json', ...size, ...flags);
    const first = await made('--tune', 'quick');
    const second = await made('--tune', 'quick');
    expect([first.code, second.code]).toEqual([0, 0]);
    const tuneMs = ({ out }: { out: string }): number =>
      (lastLine(out) as unknown as { timings: { tuneMs: number } }).timings.tuneMs;
    // Looking shapes up takes a moment of the processor; timing any would take longer than that.
    expect(tuneMs(second)).toBeLessThan(0.5 * tuneMs(first));
    expect(await readdir(join(folder, 'pleinair', 'tuning'))).toEqual([expect.stringMatching(/^[0-9a-f]{16}\.json$/)]);
    // The same choices: the plan of a run is the run.
    const memoryOf = ({ out }: { out: string }): unknown => (lastLine(out) as { memory: unknown }).memory;
    expect(memoryOf(second)).toEqual(memoryOf(first));
  });

  it('forgets everything with --clear', async () => {
    const { code, out } = await runCli('tune', '--clear', '--json');
    expect(code).toBe(0);
    const { cleared, place } = lastLine(out) as { cleared: number; place: string };
    expect(cleared).toBeGreaterThan(0);
    expect(place).toBe(join(folder, 'pleinair', 'tuning'));
    expect(lastLine((await runCli('tune', '--clear', '--json')).out)).toMatchObject({ cleared: 0 });
  });
});
