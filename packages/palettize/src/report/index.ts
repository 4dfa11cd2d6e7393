export { palettizeReport, type ReportInput } from './report.js';
export { reportContent, type ReportContent, type ReportFiles } from './report-content.js';
export type { LayerBitsRow, LayerBitsView, LayerBlock } from './layer-strips.js';
export type { FigureSize } from './quality-figure.js';
export type { RecipeGroup, RecipeRow } from './recipes-table.js';
export type { SamplePicture, SampleRow } from './samples.js';
export { bitsText, countText, psnrText, shareText, sizeText } from './numbers.js';
export { figureColours, figureRules } from './theme.js';
