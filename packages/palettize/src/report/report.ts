import type { AnalysisView } from './analysis-view.js';
import { markup, Markup } from './html.js';
import { layerStrips } from './layer-strips.js';
import { markPath, qualityFigure } from './quality-figure.js';
import { readReport, type ReportFiles } from './report-content.js';
import { readoutScript } from './readout-script.js';
import { recipesTable } from './recipes-table.js';
import { sampleRows, type SampleRow } from './samples.js';
import { theme } from './theme.js';

/** What a report is made of. */
export interface ReportInput extends ReportFiles {
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
  const { model, overview, findings: said, caption, content } = readReport({ files, evaluation });
  const { analyses } = content;
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
<p class="dim">${overview}</p>
${said.length > 0 && markup`<ul>${said.map((one) => markup`<li>${one}</li>`)}</ul>`}</header>
<section><h2>Quality against size</h2>
${legend(analyses)}
<figure><div class="wide">${qualityFigure(content, { width: 1000, height: 560, text: 14 })}</div>
<div class="narrow">${qualityFigure(content, { width: 380, height: 430, text: 12.5 })}</div>
<figcaption>${caption}</figcaption></figure></section>
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

function legend(analyses: readonly AnalysisView[]): Markup {
  return markup`<ul class="legend">${analyses.map(
    ({ title }, i) =>
      markup`<li><svg class="a${i % 4}" viewBox="-7 -7 14 14" aria-hidden="true"><path d="${markPath(i)}"/></svg>${title}, mixed bits</li>`,
  )}</ul>`;
}
