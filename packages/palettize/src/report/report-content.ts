import { RecipeError } from '../errors.js';
import type { EvaluatedRecipes } from '../evaluate/parse-evaluation.js';
import type { RecipeFile } from '../recipe/recipe-file.js';
import { analysisView, evaluatedView, type AnalysisView } from './analysis-view.js';
import { findings } from './findings.js';
import { layerBits, type LayerBitsView } from './layer-strips.js';
import { countText, psnrText } from './numbers.js';
import { figureContent, markPath, qualityFigure, type FigureContent, type FigureSize } from './quality-figure.js';
import { cost, recipeGroups, type RecipeGroup } from './recipes-table.js';

/** Recipe files to be shown together. */
export interface ReportFiles {
  /** Recipe files of one model, the one to compare others with first, and what to call them where methods are alike. */
  readonly files: readonly { readonly name: string; readonly file: RecipeFile }[];
  /** What recipes reach on prompts that no analysis has seen: shown instead of what the analyses measured. */
  readonly evaluation?: EvaluatedRecipes;
}

/** What a report says of recipe files, for pages that draw it their own way. */
export interface ReportContent {
  readonly model: string;
  /** Layers, weights and what the analyses took, in a line. */
  readonly overview: string;
  /** What follows from the figures, in sentences. */
  readonly findings: readonly string[];
  /** What the figure shows. */
  readonly caption: string;
  /** The analyses in the figure, with the mark of each: an SVG path about 0, 0 in class `a0` to `a3`, in turn. */
  readonly legend: readonly { readonly title: string; readonly mark: string }[];
  /**
   * PSNR against size, as the text of an SVG element: all in it is escaped, nothing is styled but by the classes of
   * `figureRules`. Figures on one page need different widths.
   */
  readonly figure: (size: FigureSize) => string;
  /** Absent where there are no recipes. */
  readonly layers?: LayerBitsView;
  readonly groups: readonly RecipeGroup[];
}

/**
 * Reads recipe files for a page that shows them.
 *
 * @throws `RecipeError` `recipe/invalid` without files, `recipe/other-model` where files are of different models.
 */
export function reportContent(input: ReportFiles): ReportContent {
  const { content, ...said } = readReport(input);
  const { analyses } = content;
  return {
    ...said,
    legend: analyses.map(({ title }, i) => ({ title, mark: markPath(i) })),
    figure: (size) => qualityFigure(content, size).text,
    layers: layerBits(analyses),
    groups: recipeGroups(content),
  };
}

/** What {@link reportContent} gives that is told in words, and what figures are drawn from. */
export function readReport({ files, evaluation }: ReportFiles): {
  readonly model: string;
  readonly overview: string;
  readonly findings: readonly string[];
  readonly caption: string;
  readonly content: FigureContent;
} {
  const model = modelOf(files);
  const content = figureContent(views(files, evaluation));
  return {
    model,
    overview: overviewOf(content),
    findings: findings(content),
    caption: captionOf(content, evaluation),
    content,
  };
}

function modelOf(files: ReportFiles['files']): string {
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

function views(files: ReportFiles['files'], evaluation: EvaluatedRecipes | undefined): AnalysisView[] {
  const methods = files.map(({ file }) => file.analysis?.method ?? 'published');
  return files.map(({ name, file }, i) => {
    const method = methods[i]!;
    const isAlone = methods.filter((other) => other === method).length === 1;
    const view = analysisView(isAlone ? method : `${method}, ${name}`, file);
    return evaluation ? evaluatedView(view, method, evaluation) : view;
  });
}

function overviewOf({ analyses }: FigureContent): string {
  const { sizes } = analyses.find((view) => view.sizes) ?? {};
  const original = analyses.find((view) => view.original !== undefined)?.original;
  return [
    ...(sizes ? [`${countText(sizes.layers.length)} layers of ${countText(sizes.weights)} weights`] : []),
    ...(original === undefined ? [] : [`original in fp16: ${psnrText(original)}`]),
    ...analyses.map((view) => `${view.title}: ${cost(view)}`),
  ].join(' · ');
}

function captionOf({ analyses, fixed, linear8 }: FigureContent, evaluation: EvaluatedRecipes | undefined): string {
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
