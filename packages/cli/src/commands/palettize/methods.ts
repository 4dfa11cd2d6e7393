import {
  analyzeFast,
  analyzePublished,
  fastSettings,
  fastWidths,
  publishedSettings,
  publishedWidths,
  type Analysis,
  type FastOptions,
  type PublishedOptions,
} from '@pleinair/palettize';
import type { PaletteBits } from '@pleinair/tensor';

/** What every method of analysis is given. */
export type MethodOptions = Pick<
  PublishedOptions & FastOptions,
  | 'modelVersion'
  | 'candidates'
  | 'engine'
  | 'weights'
  | 'widths'
  | 'targets'
  | 'linear8Layers'
  | 'calibration'
  | 'log'
  | 'signal'
  | 'onProgress'
>;

/** A method of analysis. */
export interface AnalysisMethod {
  /** Widths to choose from where none are asked for, narrowest first. */
  readonly widths: readonly PaletteBits[];
  /** Whether it weighs what palettes do by what layers' inputs are like. */
  readonly calibrated: boolean;
  /** What its results in a log depend on. */
  settings(options: Omit<MethodOptions, 'engine' | 'weights'>): Record<string, unknown>;
  analyze(options: MethodOptions): Promise<Analysis>;
}

/** The methods there are, by the name `--method` takes. */
export const analysisMethods = {
  published: { widths: publishedWidths, calibrated: false, settings: publishedSettings, analyze: analyzePublished },
  fast: { widths: fastWidths, calibrated: true, settings: fastSettings, analyze: analyzeFast },
} satisfies Record<string, AnalysisMethod>;

export type MethodName = keyof typeof analysisMethods;

/** Their names, the default first. */
export const methodNames = Object.keys(analysisMethods) as readonly MethodName[];
