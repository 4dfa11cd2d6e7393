import { readTensorBytes, type SafetensorsFile, type TensorToWrite } from '@pleinair/weights';
import type { InputSums } from './input-statistics.js';

/** How far a calibration is with a set of layers: everything that going on from there needs. */
export interface SavedCalibration {
  /** Runs that are in the sums whole. */
  readonly run: number;
  /** Evaluations of the run after these that are in the sums. */
  readonly evaluations: number;
  /** The solver's planes after those evaluations, where there are any. */
  readonly planes?: Float32Array<ArrayBuffer>;
  /** By tensor. */
  readonly sums: ReadonlyMap<string, InputSums>;
}

/**
 * Keeps a half-done calibration, so that one that was ended loses no more than the evaluation under way. Layers are looked at
 * in sets; what is saved of a set replaces what was saved of it before, whole or not at all.
 */
export interface CalibrationSaves {
  /** What was saved of a set last. */
  load(set: number): Promise<SavedCalibration | undefined>;
  /** Resolves when it will survive. The arrays are those in use: copy them to keep them in memory. */
  save(set: number, state: SavedCalibration): Promise<void>;
}

/** Key and version in the header's metadata. */
const versionKey = 'pleinair_calibration_sums';
const version = '1';
const settingsKey = 'settings';
const endings = { squares: '.squares', sketch: '.sketch', weight: '.weight_sum' } as const;
const planesName = 'planes';

/** What `encodeSafetensors` writes of a half-done calibration: sums in F64, so that going on gives the same bits. */
export function savedTensors(
  { run, evaluations, planes, sums }: SavedCalibration,
  settings: string,
): { readonly tensors: readonly TensorToWrite[]; readonly metadata: Readonly<Record<string, string>> } {
  const f64 = (name: string, data: Float64Array): TensorToWrite => {
    return { name, dtype: 'F64', shape: [data.length], data };
  };
  const tensors = [...sums].flatMap(([tensor, { squares, sketch, weight }]) => [
    f64(tensor + endings.squares, squares),
    f64(tensor + endings.sketch, sketch),
    f64(tensor + endings.weight, Float64Array.of(weight)),
  ]);
  if (planes) tensors.push({ name: planesName, dtype: 'F32', shape: [planes.length], data: planes });
  const metadata = {
    [versionKey]: version,
    [settingsKey]: settings,
    run: String(run),
    evaluations: String(evaluations),
  };
  return { tensors, metadata };
}

/** The settings that a file's sums depend on; nothing where it holds none. */
export function savedSettings({ metadata }: Pick<SafetensorsFile, 'metadata'>): string | undefined {
  return metadata[versionKey] === version ? metadata[settingsKey] : undefined;
}

/** Reads what {@link savedTensors} wrote. Throws what reading throws. */
export async function readSaved(file: SafetensorsFile): Promise<SavedCalibration> {
  const bytesOf = async (name: string): Promise<ArrayBuffer> => {
    const { bytes } = await readTensorBytes(file, name);
    return bytes.slice().buffer; // begins where its numbers may
  };
  const sums = new Map<string, InputSums>();
  for (const name of file.entries.keys()) {
    if (!name.endsWith(endings.squares)) continue;
    const tensor = name.slice(0, -endings.squares.length);
    const [squares, sketch, weight] = [
      new Float64Array(await bytesOf(name)),
      new Float64Array(await bytesOf(tensor + endings.sketch)),
      new Float64Array(await bytesOf(tensor + endings.weight)),
    ];
    sums.set(tensor, { squares, sketch, weight: weight[0]! });
  }
  const planes = file.entries.has(planesName) ? new Float32Array(await bytesOf(planesName)) : undefined;
  const { run, evaluations } = file.metadata;
  return { run: Number(run), evaluations: Number(evaluations), sums, ...(planes ? { planes } : {}) };
}
