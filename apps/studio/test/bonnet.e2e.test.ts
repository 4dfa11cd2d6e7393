// Under the bonnet, as it is built, in Chromium with a GPU in software.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openChromium } from '../../../tests/packed/browser.js';
import { serveStudio } from './built-studio.js';
import { StudioPage } from './studio-page.js';

const screenshots = process.env['PLEINAIR_SCREENSHOTS'];
const demoRecipes = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../packages/demo-model/recipes/fast.json', import.meta.url)), 'utf8'),
) as { recipes: Record<string, unknown>; baselines: Record<string, number> };

let site: Awaited<ReturnType<typeof serveStudio>>;
let browser: Browser;
let studio: StudioPage;
const complaints: string[] = [];

beforeAll(async () => {
  site = await serveStudio();
  browser = await openChromium();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  studio = new StudioPage(await context.newPage());
  await studio.page.goto(`${site.address}/#/bonnet`);
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

const section = (name: string): Locator => studio.page.getByRole('region', { name, exact: true });

async function shoot(name: string): Promise<void> {
  if (screenshots) await studio.page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** Drops a text file on the palette lab. */
async function drop(name: string, text: string): Promise<void> {
  const { page } = studio;
  const files = await page.evaluateHandle(
    ([fileName, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([content!], fileName!, { type: 'application/json' }));
      return data;
    },
    [name, text],
  );
  const target = page.locator('.lab-drop');
  await target.dispatchEvent('dragover', { dataTransfer: files });
  await target.dispatchEvent('drop', { dataTransfer: files });
}

it('tells the adapter, and what the demo model holds on it', async () => {
  const adapter = section('Adapter');
  await adapter.getByText('software: computes on the processor').waitFor();
  expect(await adapter.locator('.uses li').count()).toBe(4);
  const memory = section('Memory');
  await memory.getByText('VAE decoder').first().waitFor({ timeout: 60_000 });
  expect(await memory.locator('.part-bars li').count()).toBe(4);
  const figures = await memory.locator('.mode-figure').allTextContents();
  const megabytes = figures.map((text) => Number(/^([\d.]+) MB/.exec(text)![1]));
  expect(megabytes.toSorted((a, b) => a - b)).toEqual(megabytes);
  expect(megabytes[0]).toBeLessThan(megabytes[2]!);
  await memory.getByText('Low: weights come for their work and go').click();
  await expect.poll(() => memory.locator('.part-bars .badge').count()).toBe(0); // nothing stays
  expect(await memory.locator('.curve path.memory-arena').getAttribute('d')).toMatch(/^M0 .*Z$/);
});

it('shows the demo model’s recipes at once, then those of a file that is dropped', async () => {
  const lab = section('Palette lab');
  await lab.getByRole('heading', { name: 'pleinair-demo' }).waitFor();
  const points = (): Promise<number> => lab.locator('.lab-wide .recipe').count();
  expect(await points()).toBe(25);
  expect(await lab.locator('.strip-row').count()).toBe(25);

  await drop('broken.json', '{"recipes": 7}');
  await lab.getByRole('alert').getByText('recipe/invalid').waitFor();
  expect(await points()).toBe(25);

  const [first] = Object.entries(demoRecipes.recipes);
  // Of few layers, one width: each way of decoding is a kernel that the adapter takes its time to build.
  const attention = 'mid_block.attentions.0.transformer_blocks.0.attn1';
  const recipes = { trial: { [`${attention}.to_q`]: 2, [`${attention}.to_v`]: 2 }, [first![0]]: first![1] };
  const baselines = { ...demoRecipes.baselines, trial: 70 };
  await drop('mine.json', JSON.stringify({ ...demoRecipes, model_version: 'mine', recipes, baselines }));
  await lab.getByRole('heading', { name: 'mine' }).waitFor();
  await lab.getByText('Shown: mine.json.').waitFor();
  expect(await lab.getByRole('alert').count()).toBe(0);
  expect([await points(), await lab.locator('.strip-row').count()]).toEqual([2, 2]);
  await shoot('bonnet-dropped');
});

it('paints by two recipes side by side, and tells how far apart they are', async () => {
  const { page } = studio;
  const lab = section('Palette lab');
  await studio.type({ Steps: 1 });
  await lab.getByText('2 recipes', { exact: true }).click();
  await lab.getByRole('checkbox', { name: 'fast: trial' }).check();
  await lab.getByLabel('All layers at 4 bits').uncheck();
  await lab.getByRole('button', { name: 'Paint 2 side by side' }).click();
  await lab.locator('.compared-grid canvas').first().waitFor({ timeout: 180_000 });
  expect(await lab.locator('.compared-grid canvas').count()).toBe(2);
  const words = await lab.locator('.compared-grid li').allTextContents();
  expect(words[0]).toMatch(/^Original, fp16UNet 9\.\d MB$/);
  expect(words[1]).toMatch(/^fast: trial\d\d\.\d dB, 15\.\d\d bits, UNet 9\.\d MB$/);
  await lab.getByRole('button', { name: 'Difference' }).click();
  await lab.getByRole('img', { name: /^Difference from Original/ }).waitFor();
  await shoot('bonnet-compared');
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
});

it('is without serious findings of axe, light and dark, wide and narrow, and without complaints of the browser', async () => {
  const { page } = studio;
  const found: string[] = [];
  await page.getByRole('button', { name: 'Show the demo’s again' }).click();
  await section('Palette lab').getByRole('heading', { name: 'pleinair-demo' }).waitFor();
  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    found.push(...(await studio.seriousFindings()).map((finding) => `${scheme} ${finding}`));
    await shoot(`bonnet-${scheme}-${width}`);
  }
  expect(found).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  expect(complaints).toEqual([]);
});
