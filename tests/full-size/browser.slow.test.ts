// SDXL in its real shapes in a browser: downloaded into the origin's storage, loaded and run by the packages as they are
// published, in a worker, beside the same run in Node on the same files and the same adapter.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { relativeRms } from '@pleinair/testing';
import { DiskFile, HubServer } from '@pleinair/testing/hub';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromiumIn, serveFolder } from '../packed/browser.js';
import { StrangerProject } from '../packed/stranger-project.js';
import { nodeSource, pageSource, workerSource, type Downloaded, type Painted } from './page-sources.js';
import { ProcessMemory } from './process-memory.js';
import { writePalettizedSdxl } from './seeded-sdxl.js';

const { PLEINAIR_CHROMIUM, PLEINAIR_SWIFTSHADER_ICD } = process.env;
/** Gigabytes, ignored by git. */
const cache = fileURLToPath(new URL('../../.cache/full-size-browser', import.meta.url));
const options = { memory: 'low', tune: 'off' };
const request = { prompt: 'a lighthouse at dawn', seed: 1, width: 64, height: 64, steps: 1, guidance: 5 };
/** MB that a process may hold beyond what it held before: neither the model nor a file of it fits in that. */
const hostLimit = 300;
const hours = 3_600_000;

describe.skipIf(process.platform !== 'linux' || !PLEINAIR_CHROMIUM || !PLEINAIR_SWIFTSHADER_ICD)(
  'SDXL at full size, 4 bits, in a browser (needs Linux, Chromium and its SwiftShader)',
  () => {
    const hub = new HubServer();
    let folder: string;
    let model: string;
    let fileBytes = 0;
    let project: StrangerProject;
    let site: Awaited<ReturnType<typeof serveFolder>>;
    let context: BrowserContext;
    let page: Page;
    let memory: ProcessMemory;
    /** Before anything was loaded. */
    let empty: ReturnType<ProcessMemory['read']>;
    let inBrowser: Painted;

    beforeAll(async () => {
      await mkdir(cache, { recursive: true });
      folder = await mkdtemp(join(cache, 'run-'));
      model = join(cache, 'sdxl-4-bits');
      await writePalettizedSdxl(model);
      const files: Record<string, DiskFile> = {};
      for (const path of await filesIn(model)) files[path] = await DiskFile.open(join(model, path));
      fileBytes = Object.values(files).reduce((sum, { length }) => sum + length, 0);
      await hub.start();
      hub.publish('seeded/sdxl-4-bits', files);

      project = await StrangerProject.create(['pleinair', '@pleinair/weights']);
      project.borrow('vite');
      project.write('paint.mjs', nodeSource);
      project.write('src/worker.js', workerSource);
      project.write('src/main.js', pageSource);
      project.write(
        'index.html',
        '<!doctype html><link rel="icon" href="data:," /><script type="module" src="/src/main.js"></script>',
      );
      project.write('vite.config.js', `export default { worker: { format: 'es' } };`);
      await project.node('node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn');
      site = await serveFolder(join(project.folder, 'dist'));
      context = await openChromiumIn(join(folder, 'profile'));
      page = await context.newPage();
      page.on('console', (message) => console.log(`in the browser, ${message.text()}`));
      await page.goto(`${site.address}/`);
      memory = new ProcessMemory(join(folder, 'profile'));
      empty = memory.read();
    }, hours);
    afterAll(async () => {
      await context?.close();
      await site?.close();
      await hub.stop();
      project?.remove();
      if (folder) await rm(folder, { recursive: true, force: true });
      if (!process.env['PLEINAIR_KEEP_CACHE']) await rm(cache, { recursive: true, force: true });
    });

    function ask<T>(task: 'download' | 'paint', input: object): Promise<T> {
      type Asking = { ask(task: string, input: object): Promise<unknown> };
      const asking = ({ name, given }: { name: string; given: object }): Promise<unknown> =>
        (globalThis as unknown as Asking).ask(name, given);
      return page.evaluate(asking, { name: task, given: input }) as Promise<T>;
    }

    /** What processes of each kind held at most beyond what they held when the page was empty, in MB. */
    function riseSince(what: string, before: ReturnType<ProcessMemory['read']>): Readonly<Record<string, number>> {
      const rises = Object.entries(memory.read()).map(([kind, { peak }]): [string, number] => [
        kind,
        Math.round((peak - (before[kind]?.now ?? 0)) / 1e6),
      ]);
      console.log(`${what}: host memory, MB: ${rises.map(([kind, rise]) => `${kind} +${rise}`).join(', ')}`);
      return Object.fromEntries(rises);
    }

    it(
      'is downloaded into the storage of the origin, through little memory',
      async () => {
        memory.reset();
        const { totalBytes, fits, reports, storage, ms } = await ask<Downloaded>('download', {
          model: 'seeded/sdxl-4-bits',
          endpoint: hub.endpoint,
        });
        console.log(`${(totalBytes / 1e9).toFixed(3)} GB in ${(ms / 1000).toFixed(1)} s, told ${reports} times`);
        const rises = riseSince('download', empty);
        expect(fits).toBe(true);
        expect(totalBytes).toBe(1_866_943_753);
        expect(fileBytes).toBe(totalBytes);
        // Both tokenizers have the same vocabulary, which is kept once.
        expect(storage.modelBytes).toBe(1_865_556_806);
        expect(rises['renderer']).toBeLessThan(hostLimit);
        expect(rises['browser']).toBeLessThan(hostLimit);
      },
      hours,
    );

    it(
      'paints, holding on the GPU what was planned, and little beside it',
      async () => {
        memory.reset();
        inBrowser = await ask<Painted>('paint', {
          model: 'seeded/sdxl-4-bits',
          options: { ...options, hub: { endpoint: hub.endpoint } },
          request,
        });
        const { adapter, memory: held, plannedBytes, timings } = inBrowser;
        console.log(`${adapter}: ${JSON.stringify({ ...held, ...timings })}`);
        const rises = riseSince('painting', empty);
        expect(adapter).toMatch(/swiftshader/i);
        expect(held).toEqual({
          mode: 'low',
          weightsBytes: 1_103_439_728,
          intermediatesBytes: 6_325_248,
          persistentBytes: 52_454_544,
          peakBytes: 1_157_123_072,
        });
        expect(held['peakBytes']).toBe(plannedBytes);
        expect(rises['renderer']).toBeLessThan(hostLimit);
        // A software adapter's buffers are this process's memory, and so are the shaders it has compiled. No least is
        // asked for: systems short of memory put some of it elsewhere.
        expect(rises['gpu-process']).toBeLessThan(1157 + 600);
      },
      hours,
    );

    it(
      'is what Node paints',
      async () => {
        const icd = PLEINAIR_SWIFTSHADER_ICD!;
        const stdout = await project.nodeWith(
          { variables: { VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd }, timeoutMs: hours },
          'paint.mjs',
          JSON.stringify({ model, options, request }),
        );
        const inNode = JSON.parse(stdout) as Painted;
        console.log(`${inNode.adapter}: ${JSON.stringify(inNode.timings)}`);
        expect(inNode.memory).toEqual(inBrowser.memory);
        expect(inNode.plannedBytes).toBe(inBrowser.plannedBytes);
        const [actual, expected] = [inBrowser, inNode].map(({ latents }) => Float32Array.from(latents));
        const error = relativeRms(actual!, expected!);
        const differences = inBrowser.rgba.map((value, i) => Math.abs(value - inNode.rgba[i]!));
        console.log(
          `latents: relative RMS difference ${error.toExponential(2)}; colours: at most ${Math.max(...differences)}`,
        );
        expect(expected!.every(Number.isFinite)).toBe(true);
        expect(actual).toHaveLength(4 * 8 * 8);
        expect(error).toBeLessThan(2e-3);
        expect(Math.max(...differences)).toBeLessThanOrEqual(2);
      },
      hours,
    );
  },
);

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}
