import {
  columnsOf,
  readTensor,
  type ComponentEntry,
  type SafetensorsFile,
  type StoredPaletteForm,
  type TensorToWrite,
} from '@pleinair/weights';
import type { InputMoments } from '../apply/error-feedback.js';
import { RecipeError } from '../errors.js';

/** What is known of the inputs of a part's layers, by the name of each layer's weight in the checkpoint. */
export type Calibration = ReadonlyMap<string, InputMoments>;

/** A calibration's file, as a recipe file names it. */
export interface CalibrationReference {
  /** Its name, in the folder of the recipe file. */
  readonly file: string;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly sha256: string;
}

const restEnding = '.rest';
const directionsEnding = '.directions';

/** Key and version in the header's metadata. */
const versionKey = 'pleinair_calibration';
const version = '1';

/** How a calibration came about. */
export interface CalibrationOrigin {
  /** Names what it depends on, so that it is made only once. */
  readonly settings: string;
  /** Model runs it took. */
  readonly runs: number;
}

const settingsKey = 'settings';
const runsKey = 'runs';

/** What `encodeSafetensors` writes of a calibration: per layer F32 `….rest` `[K]` and, unless empty, `….directions` `[r, K]`. */
export function calibrationTensors(
  calibration: Calibration,
  { settings, runs }: CalibrationOrigin,
): {
  readonly tensors: readonly TensorToWrite[];
  readonly metadata: Readonly<Record<string, string>>;
} {
  const tensors = [...calibration].flatMap(([name, { rest, directions }]): TensorToWrite[] => {
    const width = rest.length;
    const values = { name: name + restEnding, dtype: 'F32', shape: [width], data: Float32Array.from(rest) } as const;
    if (directions.length === 0) return [values];
    const data = new Float32Array(directions.length * width);
    directions.forEach((along, r) => data.set(along, r * width));
    return [values, { name: name + directionsEnding, dtype: 'F32', shape: [directions.length, width], data }];
  });
  return { tensors, metadata: { [versionKey]: version, [settingsKey]: settings, [runsKey]: String(runs) } };
}

/** How the calibration in a file came about; nothing where it is none. */
export function calibrationOrigin({ metadata }: Pick<SafetensorsFile, 'metadata'>): CalibrationOrigin | undefined {
  const { [versionKey]: found, [settingsKey]: settings, [runsKey]: runs } = metadata;
  return found === version && settings !== undefined ? { settings, runs: Number(runs) } : undefined;
}

/**
 * Reads a calibration.
 *
 * @throws `RecipeError` `recipe/other-calibration` for a file that is none; what reading throws.
 */
export async function readCalibrationTensors(file: SafetensorsFile): Promise<Calibration> {
  if (file.metadata[versionKey] !== version) {
    throw other(
      file.path,
      `a calibration of version ${version}`,
      file.metadata[versionKey] ?? 'another safetensors file',
    );
  }
  const calibration = new Map<string, InputMoments>();
  for (const name of file.entries.keys()) {
    if (!name.endsWith(restEnding)) continue;
    const tensor = name.slice(0, -restEnding.length);
    const rest = Float64Array.from((await readTensor(file, name)).values);
    if (!rest.every((each) => each > 0 && each < Infinity)) {
      throw other(file.path, `${name} above zero throughout`, 'other values');
    }
    const directions: Float64Array[] = [];
    if (file.entries.has(tensor + directionsEnding)) {
      const { shape, values } = await readTensor(file, tensor + directionsEnding);
      if (shape.length !== 2 || shape[1] !== rest.length || !values.every(Number.isFinite)) {
        throw other(file.path, `${tensor + directionsEnding} of [r, ${rest.length}], finite`, `[${shape.join(', ')}]`);
      }
      for (let r = 0; r < shape[0]!; r++) {
        directions.push(Float64Array.from(values.subarray(r * rest.length, (r + 1) * rest.length)));
      }
    }
    calibration.set(tensor, { rest, directions });
  }
  return calibration;
}

/**
 * Checks that a calibration knows the inputs of tensors that are to be palettized by it.
 *
 * @param where - The recipe, for messages.
 * @throws `RecipeError` `recipe/other-calibration`.
 */
export function checkCalibration(
  where: string,
  calibration: Calibration,
  entries: ReadonlyMap<string, Pick<ComponentEntry, 'shape'>>,
  forms: ReadonlyMap<string, StoredPaletteForm>,
): void {
  for (const tensor of forms.keys()) {
    const columns = columnsOf(entries.get(tensor)!.shape);
    const known = calibration.get(tensor)?.rest.length;
    if (known === columns) continue;
    throw other(where, `a calibration of ${tensor} with ${columns} columns`, known === undefined ? 'none' : `${known}`);
  }
}

function other(where: string, expected: string, got: string): RecipeError {
  return new RecipeError(
    'recipe/other-calibration',
    `${where}: expected ${expected}, got ${got}. Take the file that was written beside the recipe, or analyse again.`,
  );
}
