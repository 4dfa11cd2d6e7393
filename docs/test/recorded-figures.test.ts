// Figures of the pages are those of the reports.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PalettizeRecord } from '../../bench/palettize/record.js';
import recipes, { recipesFigure } from '../.vitepress/recipes.data.js';
import { root } from './samples.js';

const file = join(root, 'bench', 'results', 'palettize-demo.json');
const record = JSON.parse(readFileSync(file, 'utf8')) as PalettizeRecord;

it('the figure of recipes is drawn from the record', () => {
  const figure = recipes.load([file]);
  expect(figure).toEqual(recipesFigure(record));
  expect(figure.series.map(({ name, points }) => [name, points.length])).toEqual([
    ['published', record.methods['published']!.points.length],
    ['fast', record.methods['fast']!.points.length],
    ['linear 8-bit', 1],
  ]);
  expect(figure.title).toContain(record.date);
});

it.each(['docs/how-it-works/palettization.md', 'docs/palettize-fast.md'])(
  'the table of %s is of the record',
  (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/ +\|/g, ' |');
    const [of, over, gain] = (['of', 'over', 'gain'] as const).map((side) =>
      record.advantages.map((each) => each[side].toFixed(1)),
    ) as [string[], string[], string[]];
    const rows =
      page === 'docs/palettize-fast.md'
        ? [
            `| \`published\` | ${record.methods['published']!.runs.toLocaleString('en')} | ${over.join(' | ')} |`,
            `| \`fast\` | ${record.methods['fast']!.runs.toLocaleString('en')} | ${of.map((psnr, i) => `${psnr} (+${gain[i]})`).join(' | ')} |`,
          ]
        : record.advantages.map(({ bits }, i) => `| ${bits} | ${over[i]} dB | ${of[i]} dB | +${gain[i]} dB |`);
    for (const row of rows) expect(text).toContain(row);
  },
);
