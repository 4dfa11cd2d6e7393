import type { AxeResults } from 'axe-core';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page, Worker } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What tests do with Studio, as its user would. */
export class StudioPage {
  constructor(readonly page: Page) {}

  /** The engine's worker. */
  async worker(): Promise<Worker> {
    const isEngine = (worker: Worker): boolean => /\/worker-/.test(worker.url());
    return this.page.workers().find(isEngine) ?? this.page.waitForEvent('worker', { predicate: isEngine });
  }

  /** Fills fields by their labels. */
  async type(fields: Readonly<Record<string, string | number>>): Promise<void> {
    for (const [label, value] of Object.entries(fields)) {
      await this.page.getByLabel(label, { exact: true }).fill(String(value));
    }
  }

  /** Starts a run; waits until it is done, if asked to. */
  async generate({ wait = true } = {}): Promise<void> {
    await this.page.getByRole('button', { name: 'Generate' }).click();
    if (wait) await this.painted();
  }

  /** Waits for the end of a run. */
  async painted(): Promise<void> {
    const cancel = this.page.getByRole('button', { name: /^Cancel/ });
    await cancel.waitFor({ state: 'detached', timeout: 180_000 });
    await this.page.locator('.canvas-frame img').waitFor();
  }

  /** Pixels of a picture: by default of the one on the easel. */
  async pixels(picture = this.page.locator('.canvas-frame img')): Promise<Uint8ClampedArray> {
    const rgba = await picture.evaluate(async (image: HTMLImageElement) => {
      await image.decode();
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
      const context = canvas.getContext('2d')!;
      context.drawImage(image, 0, 0);
      return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
    });
    return Uint8ClampedArray.from(rgba);
  }

  /** What axe finds that is serious or critical, a line each. */
  async seriousFindings(): Promise<string[]> {
    // As a script of the tests, not of the page, which its security policy would refuse.
    await this.page.evaluate(axe);
    await this.page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
    const { violations } = await this.page.evaluate(() => (globalThis as unknown as AxeGlobal).axe.run());
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }
}

interface AxeGlobal {
  readonly axe: { run(): Promise<AxeResults> };
}
