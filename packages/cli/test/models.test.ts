import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPath } from '@pleinair/demo-model';
import { HubServer } from '@pleinair/testing/hub';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { filesOf } from './files-of.js';
import { lastLine, runCli } from './run-cli.js';

const server = new HubServer();
let home: string;

beforeAll(async () => {
  await server.start();
  home = await mkdtemp(join(tmpdir(), 'pleinair-models-'));
  server.publish('pleinair/demo', await filesOf(modelPath));
  server.publish('one/file', { 'it.safetensors': new Uint8Array(2000), 'README.md': '#' });
  vi.stubEnv('HF_ENDPOINT', server.endpoint);
  vi.stubEnv('HF_HOME', home);
  vi.stubEnv('HF_HUB_CACHE', '');
  vi.stubEnv('HF_HUB_OFFLINE', '');
  vi.stubEnv('HF_TOKEN', '');
});
afterEach(() => {
  vi.stubEnv('HF_HUB_OFFLINE', '');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  await rm(home, { recursive: true });
});

describe('pleinair models', () => {
  it('says that there are none', async () => {
    const { code, out } = await runCli('models');
    expect([code, out]).toEqual([0, 'none yet; pleinair download owner/name gets one\n']);
  });

  it('plans a model of the Hub without downloading it', async () => {
    const before = server.bytesSent;
    const { code, out, err } = await runCli('plan', 'pleinair/demo', '--json');
    expect(err).toBe('');
    expect(code).toBe(0);
    const here = lastLine((await runCli('plan', modelPath, '--json')).out);
    expect(lastLine(out)).toEqual({ ...here, model: 'pleinair/demo' });
    expect(server.bytesSent - before).toBeLessThan(3_000_000);
    expect((await runCli('models', 'list', '--json')).out).toBe('{"models":[]}\n');
  });

  it('downloads, lists, finds, verifies and removes', async () => {
    const { code, out, err } = await runCli('download', 'pleinair/demo');
    expect(code, err).toBe(0);
    const [folder, line] = out.split('\n');
    expect(folder).toContain(join(home, 'hub', 'models--pleinair--demo', 'snapshots'));
    expect(line).toMatch(/^pleinair\/demo at [0-9a-f]{12}: .* MB, .* MB came$/);
    expect(err).toMatch(/^downloading pleinair\/demo: .* of .* MB\n$/);
    const again = lastLine((await runCli('models', 'download', 'pleinair/demo', '--json')).out);
    expect(again).toMatchObject({ name: 'pleinair/demo', folder, downloadedBytes: 0 });

    const listed = (await runCli('models')).out;
    expect(listed).toMatch(
      /^pleinair\/demo {2}[\d.]+ MB {2}\d{4}-\d\d-\d\d\n {2}[0-9a-f]{12} \(main\): \d+ files, .* MB, whole\n.* MB in all\n$/,
    );
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect((await runCli('models', 'path', 'pleinair/demo')).out).toBe(`${folder}\n`);
    expect((await runCli('models', 'verify', 'pleinair/demo')).out).toMatch(/all as they should be/);

    await writeFile(join(folder!, 'unet', 'config.json'), '{}');
    const broken = await runCli('models', 'verify', 'pleinair/demo');
    expect(broken.code).toBe(5);
    expect(broken.err).toMatch(/got snapshots.*unet.config\.json otherwise.*They were removed/);
    expect((await runCli('models')).out).toMatch(/not whole/);
    expect((await runCli('models', 'path', 'pleinair/demo')).code).toBe(5);

    expect((await runCli('models', 'remove', 'pleinair/demo')).out).toMatch(/^pleinair\/demo removed, .* MB freed\n$/);
    expect((await runCli('models', 'remove', 'pleinair/demo')).code).toBe(5);
  });

  it('takes one file by its name, and offers it where it was not named', async () => {
    const { code, err } = await runCli('download', 'one/file');
    expect(code).toBe(5);
    expect(err).toMatch(/single files: it\.safetensors \(0\.0 MB\)\. .*one\/file\/it\.safetensors/);
    expect((await runCli('download', 'one/file/it.safetensors')).out).toMatch(/2\.00 kB came/);
  });

  it('says what is no name', async () => {
    const { code, err } = await runCli('download', 'sdxl');
    expect(code).toBe(2);
    expect(err).toMatch(/"sdxl": expected a model of the Hub as owner\/name/);
  });
});
