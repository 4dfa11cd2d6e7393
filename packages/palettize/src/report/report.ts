import { RecipeError } from '../errors.js';
import type { RecipeFile } from '../recipe/recipe-file.js';
import type { EvaluatedRecipes } from '../evaluate/parse-evaluation.js';
import { analysisView, evaluatedView, type AnalysisView } from './analysis-view.js';
import { findings } from './findings.js';
import { markup, Markup } from './html.js';
import { layerStrips } from './layer-strips.js';
import { countText, psnrText } from './numbers.js';
import { figureContent, markPath, qualityFigure, type FigureContent } from './quality-figure.js';
import { readoutScript } from './readout-script.js';
import { cost, recipesTable } from './recipes-table.js';
import { sampleRows, type SampleRow } from './samples.js';
import { theme } from './theme.js';

/** What a report is made of. */
export interface ReportInput {
  /** Recipe files of one model, the one to compare others with first, and what to call them where methods are alike. */
  readonly files: readonly { readonly name: string; readonly file: RecipeFile }[];
  /** What recipes reach on prompts that no analysis has seen: shown instead of what the analyses measured. */
  readonly evaluation?: EvaluatedRecipes;
  /** Pictures of the original and of recipes. */
  readonly samples?: readonly SampleRow[];
  /** What is to be said of the pictures, e.g. why there are none. */
  readonly samplesNote?: string;
}

// The page brings all it needs; should a name in a recipe ever hold an address, nothing is fetched from there.
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/**
 * A self-contained HTML page about recipes: PSNR against size, bits along the network, sample pictures and a table. Light
 * and dark, for phones and wide screens, with everything in reach of a keyboard and a screen reader.
 *
 * @throws `RecipeError` `recipe/invalid` without files, `recipe/other-model` where files are of different models.
 */
export function palettizeReport({ files, evaluation, samples = [], samplesNote }: ReportInput): string {
  const model = modelOf(files);
  const analyses = views(files, evaluation);
  const content = figureContent(analyses);
  const said = findings(content);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Palettized weights of ${model}</title>
<style>${new Markup(theme)}</style>
</head>
<body>
<main>
<header><h1>Palettized weights of ${model}</h1>
<p class="dim">${overview(content)}</p>
${said.length > 0 && markup`<ul>${said.map((one) => markup`<li>${one}</li>`)}</ul>`}</header>
<section><h2>Quality against size</h2>
${legend(analyses)}
<figure><div class="wide">${qualityFigure(content, { width: 1000, height: 560, text: 14 })}</div>
<div class="narrow">${qualityFigure(content, { width: 380, height: 430, text: 12.5 })}</div>
<figcaption>${caption(content, evaluation)}</figcaption></figure></section>
<section><h2>Bits along the network</h2>${layerStrips(analyses)}</section>
<section><h2>Pictures</h2>
${samplesNote !== undefined && markup`<p>${samplesNote}</p>`}
${sampleRows(samples)}</section>
<section><h2>Recipes</h2>${recipesTable(content)}</section>
</main>
<script>${new Markup(readoutScript)}</script>
</body>
</html>
`.text;
}

function modelOf(files: ReportInput['files']): string {
  if (files.length === 0) {
    throw new RecipeError('recipe/invalid', 'report: expected at least one recipe file, got none. Name one.');
  }
  const models = [...new Set(files.map(({ file }) => file.model_version).filter(Boolean))];
  if (models.length > 1) {
    throw new RecipeError(
      'recipe/other-model',
      `report: expected recipe files of one model, got ${models.join(' and ')}. Make a report for each.`,
    );
  }
  return models[0] ?? 'an unnamed model';
}

function views(files: ReportInput['files'], evaluation: EvaluatedRecipes | undefined): AnalysisView[] {
  const methods = files.map(({ file }) => file.analysis?.method ?? 'published');
  return files.map(({ name, file }, i) => {
    const method = methods[i]!;
    const isAlone = methods.filter((other) => other === method).length === 1;
    const view = analysisView(isAlone ? method : `${method}, ${name}`, file);
    return evaluation ? evaluatedView(view, method, evaluation) : view;
  });
}

function overview({ analyses }: FigureContent): string {
  const { sizes } = analyses.find((view) => view.sizes) ?? {};
  const original = analyses.find((view) => view.original !== undefined)?.original;
  return [
    ...(sizes ? [`${countText(sizes.layers.length)} layers of ${countText(sizes.weights)} weights`] : []),
    ...(original === undefined ? [] : [`original in fp16: ${psnrText(original)}`]),
    ...analyses.map((view) => `${view.title}: ${cost(view)}`),
  ].join(' · ');
}

function legend(analyses: readonly AnalysisView[]): Markup {
  return markup`<ul class="legend">${analyses.map(
    ({ title }, i) =>
      markup`<li><svg class="a${i % 4}" viewBox="-7 -7 14 14" aria-hidden="true"><path d="${markPath(i)}"/></svg>${title}, mixed bits</li>`,
  )}</ul>`;
}

function caption({ analyses, fixed, linear8 }: FigureContent, evaluation: EvaluatedRecipes | undefined): string {
  const counted = analyses.every(({ sizes }) => sizes?.countsPalettes ?? false);
  return [
    `PSNR of the model’s output against the original’s, mean over ${evaluation ? `${evaluation.prompts} prompts that no analysis has seen` : 'the prompts that the analysis ran'}; higher is better.`,
    ...(fixed.length > 0
      ? ['Grey: palettes of one width on more and more layers, the least harmful first, the rest as they were.']
      : []),
    ...(linear8.length > 0 ? ['Crosses: linear 8-bit throughout; the dashed line goes on at its PSNR.'] : []),
    counted ? 'Sizes hold indices and palettes.' : 'Sizes hold indices, not palettes: the file does not tell shapes.',
  ].join(' ');
}
