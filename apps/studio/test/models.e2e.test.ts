// Studio's models as its users get them: of a Hub, over a closed tab, and of this computer.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { modelPath } from '@pleinair/demo-model';
import { HubServer } from '@pleinair/testing/hub';
import { folderSource } from '@pleinair/weights/node';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointNames } from '../../../packages/weights/test/checkpoint-names.js';
import { singleFileBlob } from '../../../packages/weights/test/single-file.js';
import { openChromium } from '../../../tests/packed/browser.js';
import { serveStudio } from './built-studio.js';
import { mainThreadDuring } from './main-thread.js';
import { StudioPage } from './studio-page.js';

const screenshots = process.env['PLEINAIR_SCREENSHOTS'];
const demo = folderSource(modelPath);
const hub = new HubServer();
let site: Awaited<ReturnType<typeof serveStudio>>;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let folder: string;
/** The demo model's. */
let files: Record<string, Uint8Array>;
/** What the policies refused. */
const complaints: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studio-models-'));
  await hub.start();
  const listed = (await demo.list!()).map(
    async ({ path, bytes }) => [path, await demo.readRange(path, 0, bytes)] as const,
  );
  files = Object.fromEntries(await Promise.all(listed));
  hub.publish('someone/landscapes', files);
  site = await serveStudio();
  browser = await openChromium();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  page = await openModels();
  // From then on it says what workers may reach.
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 50));
  });
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});

async function openModels(): Promise<Page> {
  const opened = await context.newPage();
  await opened.goto(`${site.address}/#/models`);
  await opened.getByRole('heading', { name: 'From the Hub' }).waitFor();
  return opened;
}

async function shoot(name: string): Promise<void> {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

const card = (name: string) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });

describe('a model of the Hub', () => {
  it('is told with its size and what it needs before it is downloaded', async () => {
    await page.getByText('Which Hub, and a token').click();
    await page.getByLabel('Address of the Hub').fill(hub.endpoint);
    await page.getByLabel('Name', { exact: true }).fill('someone/landscapes');
    await page.getByRole('button', { name: 'Look it up' }).click();
    await page.getByText('15.0 MB to download').waitFor();
    await page.getByText('Runs on this GPU').waitFor({ timeout: 60_000 });
    expect(hub.bytesSent).toBeLessThan(1_000_000);
    expect(await new StudioPage(page).seriousFindings()).toEqual([]);
    await shoot('models-offer');
  });

  it('pauses, and goes on from where it was', async () => {
    const model = card('someone/landscapes');
    const before = hub.bytesSent;
    hub.habits.bytesPerSecond = 1_500_000;
    await page.getByRole('button', { name: 'Download 15.0 MB' }).click();
    await page.getByText(/^[2-9]\.\d MB of 15\.0 MB/).waitFor({ timeout: 60_000 });
    await model.getByRole('button', { name: /^Pause/ }).click();
    await model.getByText('Not finished: what came is kept').waitFor();
    const sent = hub.bytesSent;
    const kept = Number(/([\d.]+) MB of 15\.0 MB/.exec(await model.innerText())![1]) * 1e6;
    expect(kept).toBeGreaterThan(1_900_000);
    expect(kept).toBeLessThanOrEqual(sent - before + 50_000); // in tenths of a megabyte
    const asked = hub.log.length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([hub.bytesSent, hub.log.length]).toEqual([sent, asked]);

    await model.getByRole('button', { name: /^Go on/ }).click();
    // From within a file, not from its beginning.
    const ranges = (): string[] => hub.log.slice(asked).filter((line) => /bytes=[1-9]\d*-/.test(line));
    await expect.poll(() => ranges().length, { timeout: 60_000 }).toBeGreaterThan(0);
    await model.getByText('Downloading').waitFor();
    await model.getByText(/^[3-9]\.\d MB of 15\.0 MB/).waitFor({ timeout: 60_000 });
    expect(hub.bytesSent).toBeLessThan(15_000_000);
    await shoot('models-downloading');
  });

  it('survives a tab that is closed while it comes, and paints', async () => {
    await page.close();
    page = await openModels();
    const model = card('someone/landscapes');
    await model.getByText('Not finished: what came is kept').waitFor();
    await shoot('models-interrupted');
    hub.habits.bytesPerSecond = 0;
    await model.getByRole('button', { name: /^Go on/ }).click();
    // Wherever the user is by then, it is told.
    await page.getByRole('link', { name: 'Gallery', exact: true }).first().click();
    await page.getByText('someone/landscapes is here.').waitFor({ timeout: 60_000 });
    expect(hub.bytesSent).toBeLessThan(15_000_000 * 1.3);
    await page.getByRole('button', { name: 'Paint with it' }).click();
    expect(await page.getByLabel('Model', { exact: true }).inputValue()).toBe('someone/landscapes');
    const studio = new StudioPage(page);
    await studio.type({ Prompt: 'a snowy mountain under a full moon', Steps: 2 });
    await studio.generate();
    expect(new Set(await studio.pixels()).size).toBeGreaterThan(30);
  });
});

describe('a model that there is no room for', () => {
  it('is refused before anything comes, with what is needed and what is free', async () => {
    const worker = page.workers().find((each) => /models-worker-/.test(each.url()))!;
    await worker.evaluate(() => {
      const { storage } = navigator;
      Object.assign(globalThis, { estimate: storage.estimate.bind(storage) });
      storage.estimate = () => Promise.resolve({ usage: 1_000_000, quota: 3_000_000 });
    });
    // But for its decoder it is the one that is here.
    hub.publish('someone/large', { ...files, 'vae/diffusion_pytorch_model.safetensors': new Uint8Array(5_000_000) });
    await page.getByRole('link', { name: 'Models' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('someone/large');
    await page.getByRole('button', { name: 'Look it up' }).click();
    await page.getByText('no room for it: 5.0 MB are needed').waitFor();
    expect(await page.getByRole('button', { name: 'Download 5.0 MB' }).isDisabled()).toBe(true);
    await page.getByText('Cannot run here').waitFor();
    await worker.evaluate(() => {
      navigator.storage.estimate = (globalThis as unknown as { estimate: StorageManager['estimate'] }).estimate;
    });
  });
});

describe('a checkpoint of this computer', () => {
  it('that is a pickle is refused with the reason and the cure', async () => {
    await page.getByRole('link', { name: 'Models' }).first().click();
    await page.getByRole('heading', { name: 'From this computer' }).evaluate((heading) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['x'], 'dreamscape.ckpt'));
      heading.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
    });
    await page.getByText(/dreamscape\.ckpt is a Python pickle/).waitFor();
  });

  it('is converted on its way in, and appears', async () => {
    const names = (await checkpointNames())['demo-model'];
    await write('Dream Scape.safetensors', (await singleFileBlob(demo, names, 'F32')).stream());
    for (const { path } of await demo.list!()) {
      if (/\.(json|txt)$/.test(path) && path !== 'model_index.json') await write(path, await demo.readText(path));
    }
    await page.getByLabel('Choose a folder').setInputFiles(folder);
    const form = page.getByRole('form', { name: 'Add Dream Scape' });
    await form.getByText('Runs on this GPU').waitFor({ timeout: 60_000 });
    // Smaller by each width.
    await form.getByText(/^7\.\d MB$/).waitFor({ timeout: 60_000 });
    expect(await new StudioPage(page).seriousFindings()).toEqual([]);
    await form.getByLabel(/^4 bits/).check();
    await shoot('models-convert');
    const model = card('Dream-Scape');
    const use = await mainThreadDuring(browser, page, async () => {
      await form.getByRole('button', { name: 'Add it' }).click();
      await model.getByText(/Stable Diffusion XL · 4\.\d bits · 7\.\d MB/).waitFor({ timeout: 180_000 });
    });
    expect(use.longestMs).toBeLessThan(50);
    expect(use.busyMs).toBeLessThan(use.wallMs / 5);
    await model.getByText('Runs on this GPU').waitFor();
    expect(await model.getByRole('button', { name: /^Paint with it/ }).isEnabled()).toBe(true);
    await page.reload();
    await card('Dream-Scape')
      .getByText(/Stable Diffusion XL/)
      .waitFor();
  });

  it('is deleted when that is confirmed', async () => {
    await card('Dream-Scape')
      .getByRole('button', { name: /^Delete/ })
      .click();
    await card('Dream-Scape')
      .getByRole('button', { name: /^Delete 7\.\d MB/ })
      .click();
    await card('Dream-Scape').waitFor({ state: 'detached' });
    await card('someone/landscapes').waitFor();
  });
});

describe('the page', () => {
  it.each(['light', 'dark'] as const)(
    '%s: axe finds nothing serious, and it is no wider than a phone',
    async (scheme) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      expect(await new StudioPage(page).seriousFindings()).toEqual([]);
      await shoot(`models-${scheme}-desktop`);
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await shoot(`models-${scheme}-phone`);
      await page.setViewportSize({ width: 1280, height: 900 });
    },
  );

  it('broke no security policy', () => {
    expect(complaints).toEqual([]);
  });
});

async function write(path: string, content: string | ReadableStream): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}
