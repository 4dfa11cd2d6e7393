import { run, type Terminal } from '@pleinair/cli';
import type { Calibration, RecipeFile } from '@pleinair/palettize';
import { calibrationOf, readRecipeFile } from '@pleinair/palettize/node';
import { existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Average bits that every method makes recipes for: those of the comparison, and some about them to interpolate from. */
const targets = [2.5, 2.8, 3.1, 3.4, 3.9, 4.5, 5.2, 6.5, 7.5];

/** An analysis came to no end. */
export class AnalysisEnded extends Error {
  constructor(
    command: string,
    /** Of the command. */
    readonly exitCode: number,
  ) {
    super(`${command}: exit code ${exitCode}`);
  }
}

/** A finished analysis. */
export interface FinishedAnalysis {
  readonly file: RecipeFile;
  /** What its recipes were measured with, where they were. */
  readonly calibration?: Calibration;
}

/** Of the demo model. */
export interface AnalysisPlace {
  /** Where recipe files lie, or are to. */
  readonly folder: string;
  readonly model: string;
}

/** A finished analysis whose log is gone: nothing tells what it was made with. */
export class UnknownAnalysis extends Error {
  constructor(path: string) {
    super(
      `${path}: expected ${basename(path)}.log beside it, which tells model and settings, got none. ` +
        `Bring it back, or remove ${basename(path)} to analyse anew.`,
    );
  }
}

/**
 * The analysis of a method, by `pleinair palettize analyze`: it goes on where an earlier one was ended, and takes a finished
 * one from its log, which belongs to model, prompts, settings and adapter and is refused with any others. The recipe file is
 * written anew from the log each time, so that none is taken that was made in another way.
 *
 * @throws {@link AnalysisEnded} Where the command fails or is interrupted, as it does with a log or a calibration of another
 * model or other settings; it has told why. {@link UnknownAnalysis}.
 */
export async function analysisBy(
  method: string,
  { folder, model }: AnalysisPlace,
  terminal: Terminal = { out: process.stderr, err: process.stderr },
): Promise<FinishedAnalysis> {
  const path = join(folder, `${method}.json`);
  if (existsSync(path) && !existsSync(`${path}.log`)) throw new UnknownAnalysis(path);
  mkdirSync(folder, { recursive: true });
  const args = ['palettize', 'analyze', model, '--method', method, '--targets', targets.join(), '--out', path];
  const code = await run(args, terminal);
  if (code !== 0) throw new AnalysisEnded(`pleinair ${args.join(' ')}`, code);
  const file = await readRecipeFile(path);
  return { file, calibration: await calibrationOf(path, file).calibration?.() };
}
