import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import type { EvaluationLog } from '../analyze/evaluation-log.js';
import { PalettizeError, RecipeError } from '../errors.js';

/** A log in a file. Close it when done. */
export interface EvaluationLogFile extends EvaluationLog {
  /** Results that were there when it was opened. */
  readonly resumed: number;
  close(): Promise<void>;
}

/**
 * Opens a log of evaluations, or begins one: a line of JSON for the settings, then a line a result, each flushed to the
 * disk before {@link EvaluationLog.record} resolves. A last line cut short, as by a kill or a power cut, is dropped; all
 * before it are whole.
 *
 * @param settings - What results depend on, as JSON, e.g. `publishedSettings(…)` and the prompts.
 * @throws `RecipeError` `recipe/other-analysis` where the file was begun with other settings, `recipe/invalid` where it is
 * no such log; `PalettizeError` `palettize/not-writable`.
 */
export async function openEvaluationLog(path: string, settings: unknown): Promise<EvaluationLogFile> {
  const header = JSON.stringify({ evaluations: 1, settings });
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw notWritable(path, error);
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const [first, ...lines] = whole.split('\n').slice(0, -1);
  if (first !== undefined && first !== header) {
    throw new RecipeError(
      'recipe/other-analysis',
      `${path}: expected results of this analysis to go on from, got those of another model, prompts or settings. ` +
        'Remove the file to begin anew, or repeat the settings it was begun with.',
    );
  }
  const results = new Map<string, readonly number[]>(lines.map((line, i) => parseLine(path, i + 2, line)));
  let file: FileHandle;
  try {
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
    file = await open(path, 'a');
    if (first === undefined) await append(file, header);
  } catch (error) {
    throw notWritable(path, error);
  }
  return {
    resumed: results.size,
    get: (key) => results.get(key),
    async record(key, result) {
      await append(file, JSON.stringify([key, result])).catch((error: unknown) => {
        throw notWritable(path, error);
      });
      results.set(key, result);
    },
    close: () => file.close(),
  };
}

async function append(file: FileHandle, line: string): Promise<void> {
  await file.appendFile(`${line}\n`);
  await file.datasync();
}

function parseLine(path: string, number: number, line: string): [string, number[]] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const [key, result] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof key === 'string' && Array.isArray(result) && result.every(Number.isFinite)) return [key, result];
  throw new RecipeError(
    'recipe/invalid',
    `${path}: expected a result in line ${number}, got ${line.slice(0, 80)}. Remove the file to begin anew.`,
  );
}

function notWritable(path: string, error: unknown): PalettizeError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PalettizeError(
    'palettize/not-writable',
    `${path}: expected a file that results can be added to, got: ${reason}. Check its folder and the disk.`,
    { cause: error },
  );
}
