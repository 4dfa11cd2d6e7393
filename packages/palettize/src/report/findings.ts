import { advantages } from '../evaluate/curve.js';
import type { AnalysisView, RecipeView } from './analysis-view.js';
import type { FigureContent } from './quality-figure.js';
import { bitsText, countText, psnrText, shareText } from './numbers.js';

/** Average bits at which analyses are compared. */
const compared = [2.8, 3.4, 4.5, 6.5];

/** What the figures say, in sentences. */
export function findings({ analyses, linear8 }: FigureContent): string[] {
  const baseline = linear8[0]?.psnr;
  return [
    ...(baseline === undefined ? [] : analyses.flatMap((view) => smallestAsGood(view, baseline))),
    ...comparison(analyses),
  ];
}

function smallestAsGood({ title, recipes }: AnalysisView, baseline: number): string[] {
  const good = recipes.findLast(({ psnr }) => psnr !== undefined && psnr >= baseline);
  if (!good) return [`${title}: no recipe reaches the ${psnrText(baseline)} of linear 8-bit.`];
  return [
    `${title}: down to ${bitsText(good.bits)} bits a weight, ${shareText(good.bits)} of fp16, recipes keep at least the ` +
      `${psnrText(baseline)} of linear 8-bit, which takes half.`,
  ];
}

/** Later analyses against the first. */
function comparison([first, ...others]: readonly AnalysisView[]): string[] {
  return others.flatMap((other) => {
    const at = advantages(curve(other.recipes), curve(first!.recipes), compared);
    if (at.length === 0) return [];
    const gains = at.map(({ bits, gain }) => `${gain < 0 ? '−' : '+'}${Math.abs(gain).toFixed(1)} dB at ${bits}`);
    const [ours, theirs] = [other.file.analysis?.runs, first!.file.analysis?.runs];
    const runs = ours && theirs ? `, with ${countText(ours)} model runs instead of ${countText(theirs)}` : '';
    return [`${other.title} against ${first!.title}, average bits alike: ${gains.join(', ')} bits${runs}.`];
  });
}

function curve(recipes: readonly RecipeView[]): { bits: number; psnr: number }[] {
  return recipes.flatMap(({ bits, psnr }) => (psnr === undefined ? [] : [{ bits, psnr }]));
}
