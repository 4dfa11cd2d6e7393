import { readFileSync } from 'node:fs';
import type { PalettizeRecord } from '../../bench/palettize/record.js';

/** What `PsnrFigure` draws. */
export interface Figure {
  readonly title: string;
  /** PSNR in dB against average bits. */
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [bits: number, psnr: number])[];
  }[];
}

declare const data: Figure;
export { data };

/** Recipes of the demo model as they were measured, as a figure. */
export function recipesFigure({ methods, linear8, prompts, date, adapter, command }: PalettizeRecord): Figure {
  const points = (of: readonly { readonly bits: number; readonly psnr: number }[]) =>
    of.map(({ bits, psnr }) => [bits, psnr] as const);
  return {
    title:
      `Two ways to choose bits, on ${prompts} prompts that neither has seen, and linear 8-bit weights beside them: the demo model, ` +
      `latents after one step, on ${adapter.name.split(':')[0]}, ${date}. Drawn from what ${command} recorded.`,
    series: [
      ...Object.entries(methods).map(([name, method]) => ({ name, points: points(method.points) })),
      { name: 'linear 8-bit', points: points([linear8.published]) },
    ],
  };
}

/** Read by VitePress when the site is built. */
export default {
  watch: ['../../bench/results/palettize-demo.json'],
  load: ([file = '']: readonly string[]): Figure =>
    recipesFigure(JSON.parse(readFileSync(file, 'utf8')) as PalettizeRecord),
};
