import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { HubServer } from '@pleinair/testing/hub';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bundleChild, runChild, shares } from '../../../test/child-script.js';
import { filler, neededFiles } from '../../../test/hub-model.js';
import type { CachedModel } from './download-model.js';

const unet = 'unet/diffusion_pytorch_model.fp16.safetensors';
const kills = 20;
const files = {
  ...neededFiles,
  [unet]: filler(3_000_000, 11),
  'vae/diffusion_pytorch_model.fp16.safetensors': filler(900_000, 12),
};
const totalBytes = Object.values(files).reduce((sum, { length }) => sum + length, 0);

let server: HubServer;
let folder: string;
beforeEach(async () => {
  server = new HubServer();
  await server.start();
  server.publish('some/model', files);
  folder = await mkdtemp(join(tmpdir(), 'pleinair-killed-'));
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** Every file under a name that a loader would look at is what it should be. */
async function expectNothingWrong(cacheFolder: string): Promise<void> {
  const repo = join(cacheFolder, 'models--some--model');
  for (const name of await readdir(join(repo, 'blobs')).catch(() => [])) {
    if (name.endsWith('.incomplete')) continue;
    const bytes = await readFile(join(repo, 'blobs', name));
    const hash = name.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes.length}\0`);
    expect(hash.update(bytes).digest('hex')).toBe(name);
  }
  for (const [path, content] of Object.entries(files)) {
    for (const commit of await readdir(join(repo, 'snapshots')).catch(() => [])) {
      const pointer = join(repo, 'snapshots', commit, path);
      if (!(await stat(pointer).catch(() => undefined))) continue;
      expect(basename(await realpath(pointer))).toMatch(/^[0-9a-f]+$/);
      expect(Buffer.compare(await readFile(pointer), Buffer.from(content)), path).toBe(0);
    }
  }
}

it(`a process killed ${kills} times at random goes on each time, and nothing wrong is ever in its place`, async () => {
  const script = await bundleChild('download-child.ts', folder);
  const cacheFolder = join(folder, 'cache');
  const run = async (killAfterBytes: number) => {
    const until = server.bytesSent + killAfterBytes;
    let watch: ReturnType<typeof setInterval> | undefined;
    const end = await runChild(script, [server.endpoint, cacheFolder, 'some/model'], (child) => {
      watch ??= setInterval(() => {
        if (server.bytesSent >= until) child.kill('SIGKILL');
      }, 1);
    });
    clearInterval(watch);
    return end;
  };

  server.habits.bytesPerSecond = 1_500_000;
  const share = shares(5);
  for (let i = 0; i < kills; i++) {
    const { signal, err } = await run(Math.floor(share() * 2 * (totalBytes / kills) * 0.8));
    expect(signal, err).toBe('SIGKILL');
    await expectNothingWrong(cacheFolder);
  }
  server.habits.bytesPerSecond = 0;
  const { out, err } = await run(Infinity);
  expect(err).toBe('');
  const model = JSON.parse(out) as CachedModel;
  expect([...model.files].toSorted()).toEqual(Object.keys(files).toSorted());
  await expectNothingWrong(cacheFolder);
  // It went on, and did not begin anew each time: of each run, no more came twice than was on its way when it was killed.
  expect(model.downloadedBytes).toBeLessThan(totalBytes / 2);
  expect(server.bytesSent).toBeLessThan(totalBytes * 1.7);
  expect(
    (await readdir(join(cacheFolder, 'models--some--model', 'blobs'))).filter((name) => name.endsWith('.incomplete')),
  ).toEqual([]);
}, 120_000);
