import { expect, it } from 'vitest';
import { sampleFile } from '../../test/sample-recipe-file.js';
import { palettizeReport } from './report.js';

const html = palettizeReport({
  files: [
    { name: 'published.json', file: sampleFile() },
    { name: 'fast.json', file: sampleFile({ method: 'fast', runs: 400, better: 5 }) },
  ],
});

/** The page in a frame of some width. */
async function shown(width: number): Promise<{ page: Document; close: () => void }> {
  const frame = document.createElement('iframe');
  frame.style.width = `${width}px`;
  frame.style.height = '800px';
  frame.srcdoc = html;
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
  document.body.append(frame);
  await loaded;
  return { page: frame.contentDocument!, close: () => frame.remove() };
}

it.each([320, 1100])('fits a screen of %i pixels, with one figure on it', async (width) => {
  const { page, close } = await shown(width);
  expect(page.documentElement.scrollWidth).toBeLessThanOrEqual(page.documentElement.clientWidth);
  const figures = [...page.querySelectorAll('svg.quality')].filter((figure) => figure.getClientRects().length > 0);
  expect(figures).toHaveLength(1);
  const size = parseFloat(getComputedStyle(figures[0]!.querySelector('text')!).fontSize);
  const scale = figures[0]!.getBoundingClientRect().width / Number(figures[0]!.getAttribute('viewBox')!.split(' ')[2]);
  expect(size * scale).toBeGreaterThan(9);
  close();
});

it('keeps the labels of the figure apart', async () => {
  const { page, close } = await shown(1100);
  const labels = [...page.querySelectorAll('.wide text.label')].map((label) => label.getBoundingClientRect());
  expect(labels).toHaveLength(9);
  labels.forEach((a, i) =>
    labels.slice(0, i).forEach((b) => {
      const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 3 || b.bottom <= a.top + 3;
      expect(apart).toBe(true);
    }),
  );
  close();
});

it('tells a layer’s bits by slider and pointer', async () => {
  const { page, close } = await shown(1100);
  const slider = page.querySelector<HTMLInputElement>('#layer')!;
  const told = () => page.querySelector('[data-name]')!.textContent;
  const bits = () => [...page.querySelectorAll('[data-now]')].map((cell) => Number(cell.textContent));
  const rowOf = (name: string) =>
    [...page.querySelectorAll('.tall tbody tr')].find((row) => row.querySelector('th')!.textContent === name)!;
  const tabled = (name: string) => [...rowOf(name).querySelectorAll('td')].map((cell) => Number(cell.textContent));

  slider.value = '30';
  slider.dispatchEvent(new Event('input'));
  const name = told();
  expect(name).toMatch(/^mid_block/);
  expect(bits()).toEqual(tabled(name));
  expect(slider.getAttribute('aria-valuetext')).toContain(`${name}: published 7.08, ${bits()[0]!}`);

  const along = page.querySelector('.along')!;
  const { left, width } = along.getBoundingClientRect();
  along.dispatchEvent(new PointerEvent('pointermove', { clientX: left + width - 1 }));
  expect(told()).toBe('conv_out');
  expect(bits()).toEqual(tabled('conv_out'));
  along.dispatchEvent(new PointerEvent('pointermove', { clientX: left + 1 }));
  expect(told()).toBe('time_embedding.linear_1');
  expect(slider.value).toBe('0');
  close();
});

it('tells a recipe’s figures where it is focused', async () => {
  const { page, close } = await shown(1100);
  const recipe = page.querySelector<SVGGElement>('.wide .recipe')!;
  const text = recipe.querySelector('.told')!;
  expect(text.getClientRects()).toHaveLength(0);
  recipe.focus();
  expect(page.activeElement).toBe(recipe);
  expect(page.defaultView!.getComputedStyle(text).display).not.toBe('none');
  close();
});
