import type { AnalysisView, FixedCurve, NamedPoint } from './analysis-view.js';
import type { FigureContent } from './quality-figure.js';
import { markup, type Markup } from './html.js';
import { bitsText, countText, psnrText, shareText, sizeText } from './numbers.js';

/** All recipes, and what they are measured against, with size and PSNR. */
export function recipesTable({ analyses, fixed, linear8 }: FigureContent): Markup {
  const reference = analyses.find(({ sizes }) => sizes);
  const weights = reference?.sizes?.weights;
  const baseline = linear8[0]?.psnr;
  const row = (name: string, bits: number, psnr: number | undefined): Markup => {
    const gain = psnr === undefined || baseline === undefined ? undefined : psnr - baseline;
    return markup`<tr><th scope="row">${breakable(name)}</th><td>${bitsText(bits)}</td><td>${psnrText(psnr)}</td><td>${gain === undefined ? '–' : signed(gain)}</td><td>${weights === undefined ? '–' : sizeText(weights, bits)}</td><td>${shareText(bits)}</td></tr>`;
  };
  const group = (title: string, note: string, rows: readonly Markup[]): Markup | undefined =>
    rows.length === 0
      ? undefined
      : markup`<tbody><tr class="group"><th scope="rowgroup" colspan="6">${title} <span class="dim">${note}</span></th></tr>${rows}</tbody>`;
  const ends = fixed.flatMap((curve) => endOf(curve));
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Recipes"><table>
<thead><tr><th scope="col">Weights</th><th scope="col">Average bits</th><th scope="col">PSNR</th><th scope="col">Over linear 8-bit, dB</th><th scope="col">Size</th><th scope="col">Of fp16</th></tr></thead>
${analyses.map((view) =>
  group(
    view.title,
    cost(view),
    view.recipes.map(({ name, bits, psnr }) => row(name, bits, psnr)),
  ),
)}
${group('One width for all layers', '', [
  ...ends.map(({ width, bits, psnr }) => row(`${width}-bit palettes`, bits, psnr)),
  ...linear8.map(({ name, bits, psnr }: NamedPoint) => row(`linear 8-bit, ${name}`, bits, psnr)),
  ...(reference?.original === undefined ? [] : [row('original, fp16', 16, reference.original)]),
])}</table></div>`;
}

/** A name that may go on in a new line after its underscores. */
function breakable(name: string): Markup {
  const [first, ...rest] = name.split('_');
  return markup`${first}${rest.map((piece) => markup`_<wbr>${piece}`)}`;
}

function endOf({ width, points }: FixedCurve): { width: number; bits: number; psnr: number }[] {
  const last = points.at(-1);
  return last ? [{ width, ...last }] : [];
}

/** What an analysis took. */
export function cost({ file, recipes }: AnalysisView): string {
  const { analysis } = file;
  const count = `${recipes.length} recipe${recipes.length === 1 ? '' : 's'}`;
  return analysis
    ? `${count} from ${countText(analysis.runs)} model runs, ${countText(analysis.evaluations)} sets of weights`
    : count;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}
