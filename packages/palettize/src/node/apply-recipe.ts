import { folderSource, folderSink, type FolderSystem } from '@pleinair/weights/node';
import { throwIfCancelled } from '@pleinair/tensor';
import { palettizeModel, type AppliedPart, type PalettizeModelOptions } from '../apply/palettize-model.js';

/** Options of {@link applyRecipe}. */
export interface ApplyOptions extends Omit<PalettizeModelOptions, 'source' | 'sink'> {
  /** The model's folder, in diffusers layout. */
  readonly model: string;
  /** The folder to make; its parent is there, it is not, or is empty. */
  readonly out: string;
  /** Takes the place of a model folder that is there, when all is written. @defaultValue false */
  readonly replace?: boolean;
  /** Disk operations; tests put in their own. */
  readonly system?: FolderSystem;
}

/**
 * Writes a model folder anew with some parts palettized: {@link palettizeModel} from a folder to a folder.
 *
 * @returns By part.
 * @throws What {@link palettizeModel} throws; `WeightError` `weights/output-exists`, `weights/no-room`,
 *   `weights/not-writable`.
 */
export async function applyRecipe(options: ApplyOptions): Promise<Readonly<Record<string, AppliedPart>>> {
  const { model, out, replace, system, ...rest } = options;
  throwIfCancelled(options.signal, `palettizing ${model}`);
  const sink = await folderSink(out, { replace, from: model, system });
  return palettizeModel({ ...rest, source: folderSource(model), sink });
}
