// Packages used as a stranger would: installed from the files that would be published, outside of the repository, in a
// plain Node script and in pages that Vite and webpack made. Each paints, and the picture is looked at.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { samplesOf } from '../../docs/test/samples.js';
import { openChromium, serveFolder } from './browser.js';
import { StrangerProject } from './stranger-project.js';

const asked = { terrain: 'mountain', season: 'winter', sky: 'moon' } as const;
const request = { prompt: 'a snowy mountain under a full moon', seed: 7, steps: 10 };

/** Colours of the picture, and that it is what was asked for. */
function expectMountain(rgba: readonly number[]): void {
  expect(rgba).toHaveLength(4 * 128 * 128);
  const found = checkAttributes(Uint8ClampedArray.from(rgba), 128, 128);
  expect(matches(asked, found), JSON.stringify(found)).toBe(true);
}

const worker = `
import { httpFilesSource, load } from 'pleinair';
import { modelFiles } from '@pleinair/demo-model/files';

self.addEventListener('message', async ({ data }) => {
  try {
    const painter = await load(httpFilesSource(modelFiles), { tune: 'off' });
    const { images } = await painter.generate({
      ...data,
      onStep: ({ step, steps }) => self.postMessage({ step, steps }),
    });
    painter.dispose();
    self.postMessage({ picture: images[0] });
  } catch (error) {
    self.postMessage({ failure: String(error) });
  }
});
`;

const page = `
import { modelUrl } from '@pleinair/demo-model'; // bundlers leave it alone
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const canvas = document.querySelector('canvas');
const steps = [];
window.modelUrl = modelUrl.href;
worker.addEventListener('message', ({ data }) => {
  if (data.step) steps.push(data.step);
  if (data.failure) window.outcome = { failure: data.failure };
  if (data.picture) {
    const { rgba, width, height } = data.picture;
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext('2d');
    context.putImageData(new ImageData(rgba, width, height), 0, 0);
    window.outcome = { steps, rgba: [...context.getImageData(0, 0, width, height).data] };
  }
});
worker.addEventListener('error', (event) => {
  window.outcome = { failure: event.message || 'the worker did not start' };
});
worker.postMessage(${JSON.stringify(request)});
`;

let project: StrangerProject;
beforeAll(async () => {
  project = await StrangerProject.create(['pleinair', '@pleinair/demo-model']);
});
afterAll(() => project?.remove());

describe('a plain Node script', () => {
  it('paints', async () => {
    project.write(
      'paint.mjs',
      `import { load } from 'pleinair';
       import { modelUrl } from '@pleinair/demo-model';
       const painter = await load(modelUrl, { tune: 'off' });
       const { images } = await painter.generate(${JSON.stringify(request)});
       painter.dispose();
       console.log(JSON.stringify([...images[0].rgba]));`,
    );
    expectMountain(JSON.parse(await project.node('paint.mjs')) as number[]);
  });
});

describe('a page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
    project.write('src/worker.js', worker);
    project.write('src/main.js', page);
  });
  afterAll(() => browser?.close());

  /** Opens a built page and waits for its picture. */
  async function paintedBy(folder: string): Promise<void> {
    const { address, close } = await serveFolder(join(project.folder, folder));
    const tab = await browser.newPage();
    const complaints: string[] = [];
    tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(error.message));
    try {
      await tab.goto(`${address}/`);
      const handle = await tab.waitForFunction(() => (globalThis as { outcome?: unknown }).outcome, undefined, {
        timeout: 120_000,
      });
      const outcome = (await handle.jsonValue()) as { failure?: string; steps?: number[]; rgba?: number[] };
      expect(outcome.failure, complaints.join('\n')).toBeUndefined();
      expect(outcome.steps).toEqual(Array.from({ length: request.steps }, (_, i) => i + 1));
      expectMountain(outcome.rgba!);
      expect(complaints).toEqual([]);
    } finally {
      await tab.close();
      await close();
    }
  }

  it('made by Vite paints in a worker', async () => {
    project.borrow('vite');
    project.write(
      'index.html',
      '<!doctype html><link rel="icon" href="data:," /><canvas></canvas><script type="module" src="/src/main.js"></script>',
    );
    // As the documents have it.
    const config = samplesOf('docs/guide/bundlers.md').find(({ code }) => code.startsWith('// vite.config.js'))!;
    project.write('vite.config.js', config.code);
    await project.node('node_modules/vite/bin/vite.js', 'build', '--outDir', 'dist-vite', '--logLevel', 'warn');
    await paintedBy('dist-vite');
  });

  it('made by webpack paints in a worker', async () => {
    project.borrow('webpack');
    project.write(
      'webpack.mjs',
      `import webpack from 'webpack';
       const compiler = webpack({
         mode: 'production',
         performance: { hints: false }, // a model is as large as it is
         entry: './src/main.js',
         output: { path: new URL('dist-webpack', import.meta.url).pathname },
       });
       compiler.run((error, stats) => {
         const problems = error?.message ?? stats.toString({ preset: 'errors-warnings' });
         const failed = error || stats.hasErrors() || stats.hasWarnings();
         if (failed) console.error(problems);
         compiler.close(() => process.exit(failed ? 1 : 0));
       });`,
    );
    await project.node('webpack.mjs');
    writeFileSync(
      join(project.folder, 'dist-webpack', 'index.html'),
      '<!doctype html><link rel="icon" href="data:," /><canvas></canvas><script src="main.js"></script>',
    );
    await paintedBy('dist-webpack');
  });
});
