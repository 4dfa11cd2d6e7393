export { palettizeReport, type ReportInput } from './report.js';
export type { SamplePicture, SampleRow } from './samples.js';
