import { settingsInFile } from '../gallery/picture-file.js';
import { reuse } from '../gallery/reuse.js';
import { goTo } from '../routes.js';
import { chosenModel } from '../models/models-store.js';
import { isModelDrop, pickedModel, type PickedFile } from '../models/picked-model.js';
import { nearestSize } from '../models/size-presets.js';
import type { Studio } from '../studio.js';

/** Takes what was dropped: a model, in files or a folder, goes to the Models page; of others the first file is taken. */
export async function takeDrop(studio: Studio, files: readonly PickedFile[]): Promise<void> {
  const [first] = files;
  if (!first) return;
  if (!isModelDrop(files)) return takeFile(studio, first[1]);
  studio.pick.setState({ picked: pickedModel(files) });
  goTo('models');
}

/** Takes a file that was dropped or chosen: settings inside it are restored, else it is a picture to begin with. */
export async function takeFile(studio: Studio, file: File): Promise<void> {
  const settings = await settingsInFile(file);
  if (settings) return reuse(studio, { settings }, 'The settings inside the picture are in the form.');
  await beginWithFile(studio, file);
}

/** Takes a picture to begin with, whatever is inside it. */
export async function beginWithFile({ start, toasts, make, models }: Studio, file: File): Promise<void> {
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    bitmap.close();
    start.getState().begin({ blob: file, name: file.name, width, height });
    // The engine stretches it to the size that is painted: the nearest proportions do it the least.
    const size = nearestSize(chosenModel(models.getState()).sizes, width, height);
    make.getState().change({ width: size.width, height: size.height });
    goTo('make');
  } catch {
    toasts.getState().say(`This browser cannot show ${file.name}: it is no picture, or of a form it does not know.`, {
      tone: 'warning',
    });
  }
}
