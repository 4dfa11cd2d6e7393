import type { AnalysisView, FixedCurve, NamedPoint } from './analysis-view.js';
import type { FigureContent } from './quality-figure.js';
import { markup, type Markup } from './html.js';
import { bitsText, countText, psnrText, shareText, sizeText } from './numbers.js';

/** Weights of a report's table. */
export interface RecipeRow {
  /** A recipe's name, or what the weights are in words. */
  readonly name: string;
  /** Average bits a weight. */
  readonly bits: number;
  /** In dB, where it was measured. */
  readonly psnr?: number;
  /** Over linear 8-bit as published, in dB. */
  readonly gain?: number;
  /** Of all layers, where their sizes are known. */
  readonly bytes?: number;
  /** Of fp16's size, 0 to 1. */
  readonly share: number;
}

/** Rows of a report's table that belong together. */
export interface RecipeGroup {
  readonly title: string;
  /** What it took, or nothing. */
  readonly note: string;
  readonly rows: readonly RecipeRow[];
}

/** All recipes, and what they are measured against, with size and PSNR. Plain data. */
export function recipeGroups({ analyses, fixed, linear8 }: FigureContent): RecipeGroup[] {
  const reference = analyses.find(({ sizes }) => sizes);
  const weights = reference?.sizes?.weights;
  const baseline = linear8[0]?.psnr;
  const row = (name: string, bits: number, psnr: number | undefined): RecipeRow => ({
    name,
    bits,
    ...(psnr !== undefined && { psnr }),
    ...(psnr !== undefined && baseline !== undefined && { gain: psnr - baseline }),
    ...(weights !== undefined && { bytes: (weights * bits) / 8 }),
    share: bits / 16,
  });
  const groups = [
    ...analyses.map((view) => ({
      title: view.title,
      note: cost(view),
      rows: view.recipes.map(({ name, bits, psnr }) => row(name, bits, psnr)),
    })),
    {
      title: 'One width for all layers',
      note: '',
      rows: [
        ...fixed
          .flatMap((curve) => endOf(curve))
          .map(({ width, bits, psnr }) => row(`${width}-bit palettes`, bits, psnr)),
        ...linear8.map(({ name, bits, psnr }: NamedPoint) => row(`linear 8-bit, ${name}`, bits, psnr)),
        ...(reference?.original === undefined ? [] : [row('original, fp16', 16, reference.original)]),
      ],
    },
  ];
  return groups.filter(({ rows }) => rows.length > 0);
}

/** {@link recipeGroups} as a table. */
export function recipesTable(content: FigureContent): Markup {
  const row = ({ name, bits, psnr, gain, bytes, share }: RecipeRow): Markup =>
    markup`<tr><th scope="row">${breakable(name)}</th><td>${bitsText(bits)}</td><td>${psnrText(psnr)}</td><td>${gain === undefined ? '–' : signed(gain)}</td><td>${bytes === undefined ? '–' : sizeText(bytes)}</td><td>${shareText(16 * share)}</td></tr>`;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Recipes"><table>
<thead><tr><th scope="col">Weights</th><th scope="col">Average bits</th><th scope="col">PSNR</th><th scope="col">Over linear 8-bit, dB</th><th scope="col">Size</th><th scope="col">Of fp16</th></tr></thead>
${recipeGroups(content).map(
  ({ title, note, rows }) =>
    markup`<tbody><tr class="group"><th scope="rowgroup" colspan="6">${title} <span class="dim">${note}</span></th></tr>${rows.map(row)}</tbody>`,
)}</table></div>`;
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
