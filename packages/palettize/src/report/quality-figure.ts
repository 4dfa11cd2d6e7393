import { scaleLinear, type ScaleLinear } from 'd3-scale';
import { line, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from 'd3-shape';
import type { CurvePoint } from '../evaluate/curve.js';
import type { AnalysisView, FixedCurve, NamedPoint, RecipeView } from './analysis-view.js';
import { markup, Markup } from './html.js';
import { bitsText, psnrText, shareText } from './numbers.js';
import { placeLabels, type Box, type LabelWish } from './place-labels.js';

/** Bits of layers that are left alone. */
const fullBits = 16;

/** Average bits that the upper axis names. */
const namedBits = [16, 14, 12, 10, 8, 6, 4, 2] as const;

/** Shapes of the analyses' points, so that colour is not all that tells them apart. */
const shapes = [symbolCircle, symbolDiamond, symbolSquare, symbolTriangle] as const;

/** Drawings that are not as wide have fewer ticks and shorter labels. */
const narrow = 560;

/** Size of a drawing. */
export interface FigureSize {
  readonly width: number;
  readonly height: number;
  /** Height of letters. */
  readonly text: number;
}

/** What the figure shows of the analyses of one model. */
export interface FigureContent {
  readonly analyses: readonly AnalysisView[];
  readonly fixed: readonly FixedCurve[];
  readonly linear8: readonly NamedPoint[];
}

/** Takes fixed curves and baselines from the first analysis that has them. */
export function figureContent(analyses: readonly AnalysisView[]): FigureContent {
  return {
    analyses,
    fixed: analyses.find(({ fixed }) => fixed.length > 0)?.fixed ?? [],
    linear8: analyses.find(({ linear8 }) => linear8.length > 0)?.linear8 ?? [],
  };
}

/** The mark of the analysis at an index: an SVG path about 0, 0 of an area. */
export function markPath(index: number, area = 64): string {
  return symbol(shapes[index % shapes.length], area)() ?? '';
}

/** Places in the drawing. */
interface Frame extends FigureSize {
  /** From the share of size saved, 0 to 1. */
  readonly x: ScaleLinear<number, number>;
  /** From dB. */
  readonly y: ScaleLinear<number, number>;
  readonly box: Box;
  readonly path: (points: readonly CurvePoint[]) => string;
}

/**
 * PSNR against size, as an SVG: curves of one width on more and more layers, linear int8, and each analysis's recipes.
 * Recipes can be focused, and then tell their figures.
 */
export function qualityFigure(content: FigureContent, size: FigureSize): Markup {
  const { analyses, fixed, linear8 } = content;
  const recipes = analyses.map((view) => view.recipes.filter(isMeasured));
  const all = [...fixed.flatMap(({ points }) => points), ...linear8, ...recipes.flat()];
  if (all.length === 0) return markup`<p>The files hold no measurements to draw.</p>`;
  const originals = analyses.flatMap(({ original }) => original ?? []);
  const frame = makeFrame(
    all,
    Math.max(...originals, ...recipes.flat().map(({ psnr }) => psnr), ...linear8.map(({ psnr }) => psnr)),
    size,
  );
  const labels = labelsOf(content, recipes, frame);
  return markup`<svg class="quality" viewBox="0 0 ${size.width} ${size.height}" font-size="${size.text}" role="group" aria-label="PSNR against size reduction. The table below has the same figures.">
${axes(frame)}
${linear8[0] && isoLine(linear8[0], frame)}
<clipPath id="plot-${size.width}"><rect x="${frame.box.left}" y="${frame.box.top}" width="${frame.box.right - frame.box.left}" height="${frame.box.bottom - frame.box.top}"/></clipPath>
<g clip-path="url(#plot-${size.width})">${fixed.map(({ width, points }) => markup`<path class="fixed w${width}" d="${frame.path(points)}"/>`)}</g>
${linear8.map((point) => linearMark(point, frame))}
${recipes.map((points, i) => points.length > 1 && markup`<path class="mixed a${i % shapes.length}" d="${frame.path(points)}"/>`)}
${labels}
${recipes.flatMap((points, i) => points.map((point) => recipeMark(point, { title: analyses[i]!.title, index: i }, frame)))}
</svg>`;
}

function isMeasured(recipe: RecipeView): recipe is RecipeView & { psnr: number } {
  return recipe.psnr !== undefined;
}

/**
 * @param worth - The highest PSNR that matters, -Infinity where none is known. A curve's first layers may change nothing at
 *   all, which the formula gives some 200 dB: curves leave the drawing above.
 */
function makeFrame(points: readonly CurvePoint[], worth: number, size: FigureSize): Frame {
  const { width, height, text } = size;
  const box = { left: 3.4 * text, top: 4 * text, right: width - text, bottom: height - 3.6 * text };
  const psnrs = points.map(({ psnr }) => psnr);
  const x = scaleLinear([0, 1], [box.left, box.right]);
  const top = worth === -Infinity ? Math.max(...psnrs) : Math.min(Math.max(...psnrs), worth + 5);
  const y = scaleLinear([Math.min(...psnrs), top], [box.bottom, box.top]).nice(8);
  const path = line<CurvePoint>(
    ({ bits }) => rounded(x(saved(bits))),
    ({ psnr }) => rounded(y(psnr)),
  );
  return { ...size, x, y, box, path: (curve) => path([...curve]) ?? '' };
}

/** The share of 16 bits that is saved. */
function saved(bits: number): number {
  return 1 - bits / fullBits;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function axes({ x, y, box, text, width, height }: Frame): Markup {
  const { left, right, top, bottom } = box;
  const few = width < narrow;
  const xTicks = x.ticks(few ? 5 : 10);
  const yTicks = y.ticks(few ? 6 : 9);
  const upper = namedBits.filter((bits) => !few || bits % 4 === 0);
  const middle = (left + right) / 2;
  return markup`<g class="axes">
${yTicks.map((tick) => {
  const at = rounded(y(tick));
  return markup`<path class="grid" d="M${left} ${at}H${right}"/><text x="${left - 0.6 * text}" y="${at + 0.35 * text}" text-anchor="end">${tick}</text>`;
})}
${xTicks.map((tick) => {
  const at = rounded(x(tick));
  return markup`<path class="tick" d="M${at} ${bottom}v5"/><text x="${at}" y="${bottom + 1.6 * text}" text-anchor="middle">${Math.round(100 * tick)}</text>`;
})}
${upper.map((bits) => {
  const at = rounded(x(saved(bits)));
  return markup`<path class="tick" d="M${at} ${top}v-5"/><text x="${at}" y="${top - 0.8 * text}" text-anchor="middle">${bits}</text>`;
})}
<path class="tick" d="M${left} ${bottom}H${right}M${left} ${top}H${right}"/>
<text class="title" x="${middle}" y="${height - 0.4 * text}" text-anchor="middle">size saved against fp16, %</text>
<text class="title" x="${middle}" y="${text}" text-anchor="middle">average bits a weight</text>
<text class="title" x="${rounded(-(top + bottom) / 2)}" y="${text}" text-anchor="middle" transform="rotate(-90)">PSNR, dB</text>
</g>`;
}

/** The PSNR of the published linear int8, across: palettes above it are better than twice their size. */
function isoLine({ psnr }: NamedPoint, { y, box }: Frame): Markup {
  return markup`<path class="iso" d="M${box.left} ${rounded(y(psnr))}H${box.right}"/>`;
}

function linearMark({ name, bits, psnr }: NamedPoint, { x, y }: Frame): Markup {
  const text = `linear 8-bit, ${name}: ${bitsText(bits)} bits, ${psnrText(psnr)}`;
  return markup`<path class="linear" transform="translate(${rounded(x(saved(bits)))} ${rounded(y(psnr))})" d="M-5-5 5 5M-5 5 5-5"><title>${text}</title></path>`;
}

function recipeMark(
  { bits, psnr }: RecipeView & { psnr: number },
  { title, index }: { title: string; index: number },
  { x, y, box, text }: Frame,
): Markup {
  const said = `${title}: ${bitsText(bits)} bits, ${psnrText(psnr)}`;
  const [atX, atY] = [rounded(x(saved(bits))), rounded(y(psnr))];
  // In the upper right corner nothing is drawn: little size and little lost do not go together.
  return markup`<g class="recipe a${index % shapes.length}" tabindex="0" role="img" aria-label="${said}, ${shareText(bits)} of fp16">
<circle class="reach" cx="${atX}" cy="${atY}" r="11"/><path transform="translate(${atX} ${atY})" d="${markPath(index)}"/>
<text class="told" x="${box.right - 0.6 * text}" y="${box.top + 1.6 * text}" text-anchor="end">${said}</text></g>`;
}

function labelsOf(
  { analyses, fixed, linear8 }: FigureContent,
  recipes: readonly (readonly (RecipeView & { psnr: number })[])[],
  { x, y, box, text, width: full }: Frame,
): Markup[] {
  const at = ({ bits, psnr }: CurvePoint): { x: number; y: number } => ({ x: x(saved(bits)), y: y(psnr) });
  const curves = [...fixed.map(({ points }) => points), ...recipes];
  const drawn = [...curves.flatMap((curve) => sampled(curve.map(at))), ...linear8.map(at)];
  const wishes: (LabelWish & { readonly kind: string })[] = [
    ...recipes.flatMap((points, i) => {
      const last = points.at(-1);
      return last ? [{ text: analyses[i]!.title, kind: `mixed a${i % shapes.length}`, ...at(last) }] : [];
    }),
    ...fixed.flatMap(({ width, points }) => {
      const last = points.at(-1);
      return last ? [{ text: `${width}-bit`, kind: 'fixed', ...at(last) }] : [];
    }),
    ...linear8.map((point, i) => ({ text: linearLabel(point, i, full < narrow), kind: 'linear', ...at(point) })),
  ];
  const bounds = { ...box, right: box.right + text, bottom: box.bottom + 0.2 * text };
  return placeLabels(wishes, drawn, bounds, text).map((label, i) => {
    const [atX, atY] = [rounded(label.textX), rounded(label.textY)];
    const leader = `M${rounded(label.x)} ${rounded(label.y)}L${rounded(atX - 0.3 * text)} ${rounded(atY - 0.3 * text)}`;
    return markup`${label.isFar && markup`<path class="leader" d="${leader}"/>`}<text class="label ${wishes[i]!.kind}" x="${atX}" y="${atY}" text-anchor="${label.anchor}">${label.text}</text>`;
  });
}

function linearLabel({ name }: NamedPoint, i: number, isShort: boolean): string {
  if (!isShort) return `linear 8-bit, ${name}`;
  return i === 0 ? 'linear 8-bit' : name.replace('output ', '');
}

/** Points along a polyline, close enough that no label slips between them. */
function sampled(corners: readonly { x: number; y: number }[]): { x: number; y: number }[] {
  return corners.flatMap((b, i) => {
    const a = corners[i - 1] ?? b;
    const steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / 5));
    return Array.from({ length: steps }, (_, k) => {
      const part = (k + 1) / steps;
      return { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part };
    });
  });
}
