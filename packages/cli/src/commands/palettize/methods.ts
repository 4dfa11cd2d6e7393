import { analyzePublished, publishedSettings, type Analysis, type PublishedOptions } from '@pleinair/palettize';

/** What every method of analysis is given. */
export type MethodOptions = Pick<
  PublishedOptions,
  'modelVersion' | 'candidates' | 'engine' | 'widths' | 'targets' | 'linear8Layers' | 'log' | 'signal' | 'onProgress'
>;

/** A method of analysis. */
export interface AnalysisMethod {
  /** What its results in a log depend on. */
  settings(options: Omit<MethodOptions, 'engine'>): Record<string, unknown>;
  analyze(options: MethodOptions): Promise<Analysis>;
}

/** The methods there are, by the name `--method` takes. */
export const analysisMethods = {
  published: { settings: publishedSettings, analyze: analyzePublished },
} satisfies Record<string, AnalysisMethod>;

export type MethodName = keyof typeof analysisMethods;

/** Their names, the default first. */
export const methodNames = Object.keys(analysisMethods) as readonly MethodName[];
