// The site as it is built: it holds together, its pages pass axe, the live example paints, and the measuring page measures.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceCells, deviceHeads } from '../../scripts/device-row.mjs';
import { withTable } from '../../scripts/device-table.mjs';
import { binFile } from '../../scripts/setup/run-command.mjs';
import { openChromium, serveFolder } from '../../tests/packed/browser.js';
import { ensureSite } from '../../tests/packed/built-site.js';
import { linkFaults } from '../scripts/external-links.mjs';
import { root } from './samples.js';
import { followLinks, type SiteLinks } from './site-links.js';

const docs = join(root, 'docs');
const built = join(docs, '.vitepress', 'dist');
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
  site = await serveFolder(built);
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
      expect(existsSync(join(built, `${page}.html`)), page).toBe(true);
    }
  });
});

describe('links', () => {
  let links: SiteLinks;
  beforeAll(() => {
    links = followLinks(built, '/');
  });

  it('lead to pages that there are, and to places that these have', () => {
    expect(links.anchored).toBeGreaterThan(100);
    expect(links.dead).toEqual([]);
  });

  it('that lead out of the site are well-formed', () => {
    expect(linkFaults(links.external.map((href) => ({ href, document: 'the site', line: 0 })))).toEqual([]);
  });
});

describe('the measuring page', () => {
  it('measures the adapter, and copies its row and its report', async () => {
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    await page.goto(`${site.address}/measure`);
    await page.getByLabel('How much').selectOption('least');
    await page.getByRole('button', { name: 'Measure this adapter' }).click();
    await page.getByText('Done.').waitFor({ timeout: 180_000 });
    const table = page.getByRole('region', { name: "This adapter's row" });
    expect(await table.getByRole('columnheader').allInnerTexts()).toEqual(deviceHeads);
    const shown = await table.getByRole('cell').allInnerTexts();
    const speed = /^\d[\d.e+]* GFLOP\/s, \d+ %$/;
    expect(shown).toEqual([
      expect.stringMatching(/\S/),
      expect.stringMatching(/^f(16|32)$/),
      expect.stringMatching(/^\d[\d.e+]* GFLOP\/s$/),
      expect.stringMatching(/^\d[\d.e+]* GB\/s$/),
      expect.stringMatching(speed),
      expect.stringMatching(speed),
      '',
      expect.stringMatching(/^\d{4}-\d\d-\d\d, Pleinair \d+\.\d+\.\d+/),
    ]);

    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole('button', { name: 'Copy the row' }).click();
    await page.getByText('Row copied.').waitFor();
    expect(await clipboard()).toBe(`| ${shown.join(' | ')} |`);
    await page.getByRole('button', { name: 'Copy the report' }).click();
    await page.getByText('Report copied.').waitFor();
    // What is handed in becomes the row that was shown.
    const report = JSON.parse(await clipboard()) as Parameters<typeof deviceCells>[0];
    expect(deviceCells(report)).toEqual(shown);
    const marks = '<!-- devices: begin -->\n<!-- devices: end -->';
    expect(await withTable(marks, [{ ...report, file: 'mine.json' }])).toContain(
      `[${shown[0]}](../bench/results/mine.json)`,
    );
    await context.close();
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
