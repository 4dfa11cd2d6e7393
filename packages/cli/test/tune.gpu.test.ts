import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
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

// SwiftShader compiles every kernel anew for each device, and twice so many to be timed; the tuner is tested there by itself.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.skipIf(slow)('pleinair tune', () => {
  it('keeps what a first picture found, and times nothing for a second, which is the same (asked of one adapter, not SwiftShader)', async () => {
    const made = async (name: string): Promise<{ pixels: number[]; memory: unknown }> => {
      const out = join(folder, `${name}.png`);
      const flags = ['--seed', '1', '--steps', '2', '--tune', 'quick', '--out', out, '--json', ...size];
      const { code, out: text } = await runCli('generate', 'a red tulip', ...flags);
      expect(code).toBe(0);
      const { memory, timings } = lastLine(text) as { memory: unknown; timings: { tuneMs: number } };
      expect(timings.tuneMs).toBeGreaterThan(0);
      return { pixels: [...decode(await readFile(out)).data], memory };
    };
    const results = join(folder, 'pleinair', 'tuning');
    const first = await made('first');
    const [name, ...more] = await readdir(results);
    expect(name).toMatch(/^[0-9a-f]{16}\.json$/);
    expect(more).toEqual([]);
    const kept = await readFile(join(results, name!), 'utf8');
    expect(Object.keys((JSON.parse(kept) as { records: object }).records).length).toBeGreaterThan(10);
    const second = await made('second');
    expect(await readFile(join(results, name!), 'utf8')).toBe(kept);
    expect(second).toEqual(first);
  });

  it('forgets everything with --clear (asked of one adapter, not SwiftShader)', async () => {
    const { code, out } = await runCli('tune', '--clear', '--json');
    expect(code).toBe(0);
    const { cleared, place } = lastLine(out) as { cleared: number; place: string };
    expect(cleared).toBeGreaterThan(0);
    expect(place).toBe(join(folder, 'pleinair', 'tuning'));
    for (const memory of ['low', 'balanced', 'resident', 'auto']) {
      const again = await runCli('tune', '--clear', '--json', '--memory', memory);
      expect(lastLine(again.out)).toMatchObject({ cleared: 0 });
    }
    expect((await runCli('tune', '--clear', '--memory', 'high')).code).not.toBe(0);
  });
});
