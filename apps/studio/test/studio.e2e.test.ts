// Studio as it is built, in Chromium with a GPU in software: what its users do, one after another in one page.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import { encodePng, readPictureSettings, readPngText } from 'pleinair';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromium } from '../../../tests/packed/browser.js';
import { dist, serveStudio } from './built-studio.js';
import { EngineLevers } from './engine-levers.js';
import { mainThreadDuring, type MainThreadUse } from './main-thread.js';
import { StudioPage } from './studio-page.js';

const prompt = 'a snowy mountain under a full moon';
/** What browsers call a long task: longer ones are felt. */
const longTaskMs = 50;

let site: Awaited<ReturnType<typeof serveStudio>>;
let browser: Browser;
let context: BrowserContext;
let studio: StudioPage;
/** What the policies refused, and what else went wrong in a page. */
const complaints: string[] = [];
const requested: string[] = [];
/** Without what the service worker fetches for the next visit. */
const requestedByPage: string[] = [];
const screenshots = process.env['PLEINAIR_SCREENSHOTS'];

beforeAll(async () => {
  site = await serveStudio();
  browser = await openChromium();
  context = await browser.newContext({ acceptDownloads: true, viewport: { width: 1280, height: 800 } });
  context.on('request', (request) => {
    requested.push(request.url());
    if (request.serviceWorker() === null) requestedByPage.push(request.url());
  });
  context.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  studio = new StudioPage(await context.newPage());
  await studio.page.goto(site.address);
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

async function shoot(name: string): Promise<void> {
  if (screenshots) await studio.page.screenshot({ path: join(screenshots, `${name}.png`) });
}

let levers: EngineLevers;
/** Of eight steps. */
let reference: Uint8ClampedArray;
/** The same picture after one. */
let oneStep: Uint8ClampedArray;
/** Kernels of the eight steps, in their order. */
let dispatched: readonly string[];

describe('making pictures', () => {
  let whilePainting: MainThreadUse;

  it('loads at once, less than 400 kB without models', async () => {
    await studio.page
      .getByText(/^\d+\/77/)
      .first()
      .waitFor(); // the worker is there and has counted tokens
    const code = [...new Set(requestedByPage)].filter((url) => /\.(js|css|html|svg|webmanifest)$|\/$/.test(url));
    const bytes = code.map((url) => {
      const { pathname } = new URL(url);
      return gzipSync(readFileSync(join(dist, pathname === '/' ? 'index.html' : pathname))).length;
    });
    expect(code.length).toBeGreaterThan(3);
    expect(bytes.reduce((sum, each) => sum + each)).toBeLessThan(400_000);
    await studio.page.getByText('Paint one of these').waitFor();
    expect(await studio.seriousFindings()).toEqual([]);
    await shoot('first-visit');
  });

  it('says when the GPU has no room, and loses nothing', async () => {
    const { page } = studio;
    levers = await EngineLevers.take(await studio.worker());
    await levers.setFull(true);
    await studio.type({ Prompt: prompt, Steps: 8, Seed: 7 });
    await page.getByText(/^9\/77/).waitFor();
    await page.locator('.welcome').getByRole('button', { name: prompt }).click();
    await page.getByRole('heading', { name: 'The GPU ran out of memory' }).waitFor({ timeout: 120_000 });
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe(prompt);
    expect(await studio.seriousFindings()).toEqual([]);
    await shoot('out-of-memory');
    await levers.setFull(false);
  });

  it('goes on with one click, paints what was asked for, and shows how it comes about', async () => {
    const { page } = studio;
    await levers.dispatched();
    whilePainting = await mainThreadDuring(browser, page, async () => {
      await page.getByRole('button', { name: 'Try again with less memory' }).click();
      await page.locator('.canvas-frame canvas').waitFor({ timeout: 120_000 });
      await page.getByText(/it\/s|s\/it/).waitFor();
      await shoot('make-running');
      await studio.painted();
    });
    dispatched = await levers.dispatched();
    reference = await studio.pixels();
    const found = checkAttributes(reference, 128, 128);
    expect(matches({ terrain: 'mountain', season: 'winter', sky: 'moon' }, found), JSON.stringify(found)).toBe(true);
    await page.getByRole('button', { name: `Enlarge: ${prompt}` }).click();
    const large = page.getByRole('dialog', { name: '128 × 128' }).locator('img');
    const { width, height } = (await large.boundingBox())!;
    expect(width / height).toBeCloseTo(1, 2);
    expect(height).toBeGreaterThan(600); // of a window of 800
    await page.keyboard.press('Escape');
    await large.waitFor({ state: 'detached' });
  });

  it('loaded and painted it without holding the page up', async () => {
    expect(whilePainting.longestMs).toBeLessThan(longTaskMs);
    expect(whilePainting.busyMs).toBeLessThan(whilePainting.wallMs / 5);
    // What does hold it up is seen.
    const held = await mainThreadDuring(browser, studio.page, () =>
      studio.page.evaluate(() => {
        for (const until = performance.now() + 2000; performance.now() < until;);
      }),
    );
    expect(held.longestMs).toBeGreaterThan(longTaskMs);
  });

  it('goes on from the last finished step when the device is lost, to the same picture', async () => {
    const { page } = studio;
    const before = await levers.devices();
    await page.getByLabel('Prompt', { exact: true }).press('Control+Enter');
    await page.getByText(/^Step [345] of 8/).waitFor({ timeout: 120_000 });
    await levers.loseDevice();
    await page.getByText(/The GPU was lost after step [3-8]\./).waitFor({ timeout: 60_000 });
    await studio.painted();
    expect(await page.locator('.outcome').innerText()).toContain('over a lost GPU');
    expect(await levers.devices()).toBe(before + 1);
    expect(await studio.pixels()).toEqual(reference);
  });

  it('cancels', async () => {
    const { page } = studio;
    await studio.type({ Steps: 90 });
    await studio.generate({ wait: false });
    await page.getByText(/^Step \d+ of 90/).waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Generate' }).waitFor({ timeout: 60_000 });
    expect(await page.locator('.outcome').innerText()).toContain('Cancelled.');
  });

  it('makes only the masked part of a picture anew, painted by keyboard', async () => {
    const { page } = studio;
    await page.getByRole('button', { name: 'Begin with this picture' }).click();
    await page.getByRole('button', { name: 'Make only a part anew' }).click();
    const mask = page.getByRole('application');
    await mask.focus();
    await studio.type({ 'Brush size': 20 });
    await mask.focus();
    await page.keyboard.press('Space');
    expect(await mask.getAttribute('aria-label')).toMatch(/^Mask, [1-9]/);
    const dab = await mask.getAttribute('aria-label');
    const box = (await mask.boundingBox())!;
    await page.mouse.move(box.x + 0.1 * box.width, box.y + 0.1 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.9 * box.width, box.y + 0.1 * box.height, { steps: 4 });
    await page.mouse.up();
    const drawn = Number(/\d+/.exec((await mask.getAttribute('aria-label'))!)![0]);
    expect(drawn).toBeGreaterThan(10);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await mask.getAttribute('aria-label')).toBe(dab);
    await shoot('mask');
    expect(await studio.seriousFindings()).toEqual([]);
    await page.getByRole('button', { name: 'Done' }).click();
    await studio.type({ Prompt: 'a red balloon over the desert at noon', Steps: 4, Strength: 1, 'Mask blur': 0 });
    await studio.generate();
    const made = await studio.pixels();
    const at = (x: number, y: number) => 4 * (128 * y + x);
    const corner = (pixels: Uint8ClampedArray) => pixels.slice(at(0, 0), at(128, 40));
    expect(corner(made)).toEqual(corner(reference));
    expect(made.slice(at(60, 64), at(68, 64))).not.toEqual(reference.slice(at(60, 64), at(68, 64)));
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
  });
});

describe('keeping pictures', () => {
  it('says when the browser has no room for one, shows it all the same, and keeps it when there is', async () => {
    const { page } = studio;
    await page.evaluate(() => {
      const add: unknown = Reflect.get(IDBObjectStore.prototype, 'add');
      Object.assign(globalThis, { add });
      IDBObjectStore.prototype.add = () => {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
      };
    });
    await studio.type({ Prompt: prompt, Steps: 1 });
    await studio.generate();
    oneStep = await studio.pixels();
    await page.getByText(/The browser has no room to keep this picture/).waitFor();
    await page.evaluate(() => {
      IDBObjectStore.prototype.add = (globalThis as unknown as Pick<IDBObjectStore, 'add'>).add;
    });
    await page.getByRole('button', { name: 'Try again to keep it' }).click();
    await page.getByText('Kept.').waitFor();
    await page.locator('.shown').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Deleted.').waitFor();
  });

  it('tells under the bonnet the very kernels that steps were painted with', async () => {
    const { page } = studio;
    await page.getByRole('link', { name: 'Under the bonnet' }).click();
    const kernels = page.getByRole('region', { name: 'Kernels', exact: true });
    await kernels.getByRole('button', { name: 'Time one step' }).click();
    await kernels.getByText(/^UNet, step: /).waitFor({ state: 'attached', timeout: 120_000 });
    expect(await kernels.getByLabel('Part').inputValue()).toBe('unet step');
    await kernels.getByText(/^The longest of \d+ kernels/).click();
    await kernels.getByRole('button', { name: /^Show all/ }).click();
    const rows = (await kernels.locator('tbody tr').allInnerTexts()).map((row) => row.split('\t'));
    const names = rows.toSorted((a, b) => Number(a.at(-1)) - Number(b.at(-1))).map((row) => row[1]!);
    // The look that is taken after a step is no part of it.
    const painted = dispatched.filter((kernel) => kernel !== 'latent/preview');
    const ends = painted.flatMap((kernel, i) => (kernel === 'latent/solver-step' ? [i + 1] : []));
    expect(ends).toHaveLength(8);
    for (const i of [1, 7]) expect(painted.slice(ends[i - 1], ends[i])).toEqual(names);

    const timeline = kernels.getByRole('slider', { name: /^Kernel along the timeline/ });
    expect(await timeline.getAttribute('aria-valuemax')).toBe(String(names.length));
    await timeline.press('End');
    expect(await timeline.getAttribute('aria-valuenow')).toBe(String(names.length));
    const shares = await kernels.locator('.family-bars .part-figure').allTextContents();
    const sum = shares.reduce((total, text) => total + Number(/([\d.]+) %$/.exec(text)![1]), 0);
    expect(Math.abs(sum - 100)).toBeLessThan(shares.length); // each is rounded
    expect(await studio.seriousFindings()).toEqual([]);
    await shoot('bonnet-kernels');

    const tuner = page.getByRole('region', { name: 'Tuner', exact: true });
    await tuner.getByRole('button', { name: 'Show what is known' }).click();
    await tuner.getByText(/^Nothing is known of this adapter yet/).waitFor({ timeout: 60_000 });
    await tuner.getByRole('button', { name: 'Tune fully now' }).click();
    await expect
      .poll(() => tuner.getByRole('progressbar').evaluate((bar: HTMLProgressElement) => bar.value), {
        timeout: 180_000,
      })
      .toBeGreaterThan(0);
    await tuner.getByRole('button', { name: 'Cancel' }).click();
    const table = tuner.getByRole('region', { name: 'Results of the tuner' });
    await table.waitFor({ timeout: 120_000 });
    const results = (await table.locator('tbody tr').allInnerTexts()).map((row) => row.split('\t'));
    expect(results.length).toBeGreaterThan(0);
    await tuner.getByText(`${results.length} ${results.length === 1 ? 'shape is' : 'shapes are'} known`).waitFor();
    for (const [, ruleOfThumb, , , timed] of results) {
      expect(timed).toContain(`${ruleOfThumb} `);
      expect(names.some((name) => name.includes(ruleOfThumb!))).toBe(true); // what it is timed for is painted with
    }
    await shoot('bonnet-tuner');
  });

  it('finds them in the gallery after a reload', async () => {
    const { page } = studio;
    await page.reload();
    await page.getByRole('link', { name: 'Gallery' }).click();
    await page.getByRole('heading', { name: 'Gallery' }).waitFor();
    await page.locator('.gallery-card').nth(2).waitFor();
    expect(await page.locator('.gallery-card').count()).toBe(3);
    await shoot('gallery');
  });

  it('downloads a PNG with its settings inside, and takes them back from it when it is dropped', async () => {
    const { page } = studio;
    const oldest = page.locator('.gallery-card').last();
    const downloading = page.waitForEvent('download');
    await oldest.getByRole('button', { name: 'Download' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('a-snowy-mountain-under-a-full-moon-7.png');
    const png = readFileSync(await download.path());
    const settings = readPictureSettings(readPngText(png));
    expect(settings).toMatchObject({ prompt, seed: 7, steps: 8, width: 128, height: 128, model: 'pleinair-demo' });

    await page.evaluate(
      (bytes) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(bytes)], 'from-a-friend.png', { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
      },
      [...png],
    );
    await page.getByText('The settings inside the picture are in the form.').waitFor();
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe(prompt);
    expect(await page.getByLabel('Steps', { exact: true }).inputValue()).toBe('8');
    expect(await page.getByLabel('Seed', { exact: true }).inputValue()).toBe('7');
    expect(await page.getByRole('button', { name: 'Keep' }).getAttribute('aria-pressed')).toBe('true');
  });

  it('copies one, and shares it as a file where the browser can', async () => {
    const { page } = studio;
    await page.getByRole('link', { name: 'Gallery' }).click();
    const card = page.locator('.gallery-card').last();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await card.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied.').waitFor();
    const copied = await page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      const image = await createImageBitmap(await item!.getType('image/png'));
      const canvas = new OffscreenCanvas(image.width, image.height);
      const drawing = canvas.getContext('2d')!;
      drawing.drawImage(image, 0, 0);
      return [...drawing.getImageData(0, 0, image.width, image.height).data];
    });
    expect(Uint8ClampedArray.from(copied)).toEqual(await studio.pixels(card.locator('img')));

    const share = card.getByRole('button', { name: 'Share' });
    expect(await share.count()).toBe(0);
    await page.evaluate(() => {
      const outcomes = [undefined, new DOMException('thought better', 'AbortError'), new Error('no')];
      const shared: unknown[] = [];
      Object.assign(globalThis, { shared });
      Object.assign(navigator, {
        canShare: ({ files }: ShareData) => files?.length === 1,
        share: ({ files, text }: ShareData) => {
          shared.push([files![0]!.name, files![0]!.type, text]);
          const outcome = outcomes.shift();
          return outcome ? Promise.reject(outcome) : Promise.resolve();
        },
      });
    });
    await page.getByRole('link', { name: 'Make' }).click();
    await page.getByRole('link', { name: 'Gallery' }).click();
    for (let i = 0; i < 3; i++) await share.click();
    await page.getByText('It could not be shared. Download it instead.').waitFor();
    expect(await page.locator('.toast-warning').count()).toBe(1); // nothing is said of what the user left
    await page.getByRole('button', { name: 'Dismiss' }).last().click();
    const shared = await page.evaluate(() => (globalThis as unknown as { shared: unknown[] }).shared);
    expect(shared).toEqual(
      Array.from({ length: 3 }, () => ['a-snowy-mountain-under-a-full-moon-7.png', 'image/png', prompt]),
    );
  });

  it('compares two, and says in what they differ', async () => {
    const { page } = studio;
    await page.getByRole('link', { name: 'Gallery' }).click();
    const cards = page.locator('.gallery-card');
    await cards.nth(2).waitFor();
    await cards.nth(0).getByRole('checkbox').check();
    await cards.nth(1).getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Compare' }).click();
    const dialog = page.getByRole('dialog', { name: 'Compare' });
    expect(await dialog.getByRole('row', { name: /^Steps/ }).innerText()).toBe('Steps\t4\t8');
    expect(await dialog.getByRole('row', { name: /^Seed/ }).count()).toBe(0);
    await dialog.getByRole('slider').press('Home');
    expect(await dialog.getByRole('slider').getAttribute('aria-valuetext')).toBe('0 % of the first');
    expect(await studio.seriousFindings()).toEqual([]);
    await shoot('compare');
    await dialog.getByRole('button', { name: 'Side by side' }).click();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('deletes with a way back', async () => {
    const { page } = studio;
    await page.getByRole('link', { name: 'Gallery' }).click();
    const cards = page.locator('.gallery-card');
    await cards.nth(2).waitFor();
    await cards.first().getByRole('button', { name: 'Delete' }).click();
    await cards.nth(2).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await cards.nth(2).waitFor();
  });
});

describe('a picture of one’s own', () => {
  it('is begun with when it has no settings inside, and what is no picture is refused in words', async () => {
    const { page } = studio;
    const input = page.locator('input[type=file][accept="image/*"]');
    await page.getByRole('link', { name: 'Make' }).click();
    await input.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
    await page.getByText(/This browser cannot show notes\.txt/).waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).last().click();
    const pixels = { width: 24, height: 16, rgba: new Uint8ClampedArray(4 * 24 * 16).fill(200) };
    await input.setInputFiles({ name: 'grey.png', mimeType: 'image/png', buffer: Buffer.from(encodePng(pixels)) });
    const start = page.getByRole('region', { name: 'Picture to begin with' });
    await start.getByText('grey.png').waitFor();
    expect(await start.locator('.hint').first().innerText()).toBe('24 × 16'); // the wide size fits it
    expect(await page.getByRole('radio', { name: 'Wide, 192 by 128' }).isChecked()).toBe(true);
    await start.getByRole('button', { name: 'Remove' }).click();
    await start.getByRole('button', { name: /Begin with a picture/ }).waitFor();
  });
});

describe('offline', () => {
  it('is there without a net, with the engine and the whole demo model', async () => {
    const { page } = studio;
    const model = [...new Set(requested)].filter((url) => url.endsWith('.safetensors'));
    expect(model.length).toBeGreaterThanOrEqual(4); // two text encoders, UNet, VAE
    await page.evaluate(() => navigator.serviceWorker.ready);
    await context.setOffline(true);
    try {
      await page.reload();
      await page.getByRole('link', { name: 'Make' }).click();
      // Counted by the model's own tokenizer, in the engine.
      await page.getByText(/^9\/77/).waitFor();
      const sizes = await page.evaluate(
        (urls) => Promise.all(urls.map(async (url) => (await (await fetch(url)).blob()).size)),
        model,
      );
      expect(sizes).toEqual(model.map((url) => statSync(join(dist, new URL(url).pathname)).size));
      await page.getByRole('radio', { name: /^Square/ }).check();
      await studio.type({ Prompt: prompt, Steps: 1, Seed: 7 });
      await studio.generate();
      expect(await studio.pixels()).toEqual(oneStep);
      await page.getByRole('link', { name: 'Gallery' }).click();
      await page.locator('.gallery-card').nth(3).waitFor();
    } finally {
      await context.setOffline(false);
    }
  });
});

describe('pages', () => {
  const routes = ['make', 'gallery', 'bonnet'];

  it.each(routes.flatMap((route) => [[route, 'light'] as const, [route, 'dark'] as const]))(
    '%s, %s: axe finds nothing serious, and it is no wider than a phone',
    async (route, colorScheme) => {
      const { page } = studio;
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(`${site.address}/#/${route}`);
      await page.locator('main h1').waitFor({ state: 'attached' });
      if (route === 'make') await page.locator('.filmstrip button').last().click();
      if (route !== 'bonnet') await page.locator('img[src^="blob:"]').first().waitFor();
      expect(await studio.seriousFindings()).toEqual([]);
      await shoot(`${route}-${colorScheme}-desktop`);
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await shoot(`${route}-${colorScheme}-phone`);
      await page.setViewportSize({ width: 1280, height: 800 });
    },
  );

  it('say what to do where there is no adapter', async () => {
    const page = await browser.newPage({ serviceWorkers: 'block' });
    await page.route(/\/worker-/, async (route) => {
      const response = await route.fetch();
      const without = "Object.defineProperty(navigator, 'gpu', { value: undefined });";
      await route.fulfill({ response, body: `${without}${await response.text()}` });
    });
    await page.goto(site.address);
    await page.getByRole('heading', { name: 'This browser gives Studio no GPU' }).waitFor();
    expect(await page.getByText('chrome://flags/#enable-unsafe-webgpu').count()).toBe(1);
    expect(await new StudioPage(page).seriousFindings()).toEqual([]);
    if (screenshots) await page.screenshot({ path: join(screenshots, 'no-adapter.png') });
    await page.getByRole('link', { name: 'gallery', exact: true }).click();
    await page.getByRole('heading', { name: 'Gallery' }).waitFor();
    await page.close();
  });
});

describe('the security policy', () => {
  it('was broken by nothing so far, and nothing went anywhere else', () => {
    expect(complaints).toEqual([]);
    expect(requested.filter((url) => !url.startsWith(site.address) && !/^(data|blob):/.test(url))).toEqual([]);
  });

  it('lets neither the page nor the engine go anywhere else', async () => {
    const elsewhere = 'http://127.0.0.1:9/';
    const attempt = (address: string) => fetch(address).then(String, (error: unknown) => String(error));
    const violation = studio.page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
        }),
    );
    await studio.page.evaluate(attempt, elsewhere);
    expect(await violation).toBe('connect-src');
    const worker = await studio.worker();
    const inWorker = worker.evaluate(
      () =>
        new Promise<string>((resolve) => {
          self.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
        }),
    );
    await worker.evaluate(attempt, elsewhere);
    expect(await inWorker).toBe('connect-src');
  });
});
