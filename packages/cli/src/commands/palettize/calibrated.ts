import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Candidate } from '@pleinair/palettize';
import {
  calibrationSavesPath,
  findCalibration,
  openCalibrationSaves,
  writeCalibration,
  type FoundCalibration,
} from '@pleinair/palettize/node';
import type { SdxlAnalysis } from '@pleinair/sdxl';
import { isPleinairError, type Device } from '@pleinair/tensor';
import type { PartProgress } from 'pleinair';
import type { Progress } from '../../progress.js';
import type { Terminal } from '../../terminal.js';

/** What calibrates, and where it is told. */
export interface CalibratingRun {
  /** The recipe file. */
  readonly out: string;
  readonly device: Device;
  readonly progress: Progress;
  readonly terminal: Terminal;
  readonly signal?: AbortSignal;
  readonly onProgress: (progress: PartProgress) => void;
}

/**
 * What layers' inputs are like: from the file beside the recipe where it was made with the same settings, else found out,
 * going on where an earlier command was ended.
 */
export async function calibrated(
  opened: SdxlAnalysis,
  candidates: readonly Candidate[],
  { out, progress, terminal, device, signal, onProgress }: CalibratingRun,
): Promise<FoundCalibration> {
  const tensors = candidates.map(({ tensor }) => tensor);
  const settings = JSON.stringify({ ...(await opened.settings(device, signal)), tensors });
  const known = await findCalibration(out, settings);
  if (known) {
    progress.note(`what layers' inputs are like is known from ${known.reference.file}`);
    // Left where a kill came between the last two steps below.
    await rm(calibrationSavesPath(out), { recursive: true, force: true });
    return known;
  }
  const saves = await openCalibrationSaves(out, settings);
  if (saves.resumed) progress.note(`part of the calibration is known from ${basename(saves.path)}`);
  try {
    const { calibration, runs } = await opened.calibrate(device, {
      tensors,
      signal,
      saves,
      onProgress,
      onRuns: ({ done, total, secondsLeft }) =>
        progress.share('calibrating', done, total, secondsLeft === undefined ? undefined : 1000 * secondsLeft),
    });
    const found = { calibration, runs, reference: await writeCalibration(out, calibration, { settings, runs }) };
    await saves.remove();
    return found;
  } catch (error) {
    progress.stop();
    tellEnded(error, `${saves.path} keeps what was found`, terminal);
    throw error;
  }
}

/** Tells that what was done is not lost, where a person or the GPU ended it. */
export function tellEnded(error: unknown, kept: string, { err }: Terminal): void {
  if (!isPleinairError(error) || !/^(cancelled|device\/)/.test(error.code)) return;
  err.write(`Ended early. ${kept}; the same command goes on from there.\n`);
}
