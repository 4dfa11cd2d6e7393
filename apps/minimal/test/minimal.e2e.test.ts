// The least page as it is built, in Chromium with a GPU in software.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { binFile } from '../../../scripts/setup/run-command.mjs';
import { openChromium, serveFolder } from '../../../tests/packed/browser.js';
import { ensureSite } from '../../../tests/packed/built-site.js';

const file = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

let site: Awaited<ReturnType<typeof serveFolder>>;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  await ensureSite({
    folder: 'apps/minimal',
    last: 'dist/index.html',
    sources: ['apps/minimal', 'packages'],
    commands: [[binFile('vite'), 'build']],
  });
  site = await serveFolder(file('dist'));
  browser = await openChromium();
  page = await browser.newPage();
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  // The page leaves the seed to chance, which now and then paints something else; a test needs the same one each time.
  await page.addInitScript(() => {
    crypto.getRandomValues = (array) => (array instanceof Uint32Array ? array.fill(7) : array);
  });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

it('is under 60 lines, its configuration included', () => {
  const lines = ['index.html', 'vite.config.js'].flatMap((name) =>
    readFileSync(file(name), 'utf8').trimEnd().split('\n'),
  );
  expect(lines.length).toBeLessThan(60);
});

it('paints what its visitor writes', async () => {
  await page.goto(`${site.address}/`);
  await page.getByLabel('Prompt').fill('a desert under the sun');
  await page.getByRole('button', { name: 'Paint' }).click();
  const status = page.getByRole('status');
  await status.getByText(/^step 1 of \d+$/).waitFor({ timeout: 120_000 });
  await status.getByText(/^\d+\.\d s on /).waitFor({ timeout: 120_000 });
  const rgba = await page.evaluate(() => {
    const canvas = document.querySelector('canvas')!;
    return [...canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data];
  });
  const found = checkAttributes(Uint8ClampedArray.from(rgba), 128, 128);
  expect(matches({ terrain: 'desert', sky: 'sun' }, found), JSON.stringify(found)).toBe(true);
  expect(await page.getByRole('button', { name: 'Paint' }).isEnabled()).toBe(true);
  expect(complaints).toEqual([]);
});
