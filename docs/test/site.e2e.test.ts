// The site as it is built: it holds together, its pages pass axe, and the live example paints.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binFile } from '../../scripts/setup/run-command.mjs';
import { openChromium, serveFolder } from '../../tests/packed/browser.js';
import { ensureSite } from '../../tests/packed/built-site.js';
import { root } from './samples.js';

const docs = join(root, 'docs');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser;
let site: Awaited<ReturnType<typeof serveFolder>>;

beforeAll(async () => {
  // VitePress refuses links that lead nowhere.
  await ensureSite({
    folder: 'docs',
    last: '.vitepress/dist/hashmap.json',
    sources: ['docs', 'packages', 'apps', 'bench', 'ARCHITECTURE.md', 'CONTRIBUTING.md'],
    written: ['api', 'packages', 'project', 'samples', 'public/results', '.vitepress/cache'],
    commands: [[join(docs, 'scripts', 'prepare-pages.mjs')], [binFile('vitepress'), 'build']],
  });
  site = await serveFolder(join(docs, '.vitepress', 'dist'));
  browser = await openChromium();
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

async function open(path: string, dark = false): Promise<Page> {
  const page = await browser.newPage({ colorScheme: dark ? 'dark' : 'light' });
  await page.goto(`${site.address}${path}`);
  return page;
}

describe('pages', () => {
  const paths = ['/', '/guide/getting-started', '/how-it-works/palettization', '/benchmarks', '/measure'];

  it.each(paths.flatMap((path) => [[path, false] as const, [path, true] as const]))(
    '%s (dark: %s) pass axe and are no wider than a phone',
    async (path, dark) => {
      const page = await open(path, dark);
      await page.evaluate(axe);
      // Text that is still fading in has less contrast than it will have.
      await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
      const { violations } = await page.evaluate(() => (globalThis as unknown as AxeGlobal).axe.run());
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await page.close();
    },
  );

  it('have a page for every package and the reference of what it exports', () => {
    for (const page of ['packages/pleinair', 'api/pleinair', 'api/@pleinair/tensor', 'project/architecture']) {
      expect(existsSync(join(docs, '.vitepress', 'dist', `${page}.html`)), page).toBe(true);
    }
  });
});

describe('the live example', () => {
  it('fetches nothing of the engine before it is asked, then paints what it was asked for', async () => {
    const page = await open('/');
    const fetched: string[] = [];
    page.on('request', (request) => fetched.push(request.url()));
    await page.getByLabel('Steps').fill('10');
    await page.getByLabel('Seed').fill('7');
    expect(fetched.filter((url) => /worker|safetensors/.test(url))).toEqual([]);
    await page.getByRole('button', { name: 'Paint it here' }).click();
    await page.getByText(/^Painted in/).waitFor({ timeout: 180_000 });
    expect(fetched.some((url) => url.endsWith('.safetensors'))).toBe(true);
    expect(fetched.every((url) => url.startsWith(site.address) || /^(data|blob):/.test(url))).toBe(true);
    const rgba = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.live canvas')!;
      return [...canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data];
    });
    const found = checkAttributes(Uint8ClampedArray.from(rgba), 128, 128);
    expect(matches({ terrain: 'mountain', season: 'winter', sky: 'moon' }, found), JSON.stringify(found)).toBe(true);

    // So many steps that it cannot be done before it is cancelled.
    await page.getByLabel('Steps').fill('50');
    await page.getByRole('button', { name: 'Paint it here' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached', timeout: 120_000 });
    expect(await page.locator('.live [role=status]').innerText()).toBe('Cancelled.');
    await page.close();
  });
});

interface AxeGlobal {
  readonly axe: { run(): Promise<AxeResults> };
}
