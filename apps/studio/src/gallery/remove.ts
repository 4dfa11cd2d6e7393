import type { KeptPicture } from '../storage/database.js';
import type { Studio } from '../studio.js';
import { errorInWords } from '../words/error-in-words.js';
import { letGo, putBack } from './unkept.js';

/** Takes pictures out of the gallery; the notice that says so brings them back. */
export async function removePictures(
  studio: Pick<Studio, 'shelf' | 'gallery' | 'toasts'>,
  pictures: readonly KeptPicture[],
): Promise<void> {
  const { shelf, toasts } = studio;
  try {
    await shelf.remove(pictures.map(({ id }) => id));
  } catch (error) {
    const what = pictures.length === 1 ? 'The picture' : 'The pictures';
    return toasts.getState().say(`${what} could not be deleted: ${errorInWords(error)}`, { tone: 'warning' });
  }
  letGo(studio, pictures);
  toasts.getState().say(pictures.length === 1 ? 'Deleted.' : `${pictures.length} pictures deleted.`, {
    // Where another tab took the room meanwhile they are held, and a notice says so.
    action: { label: 'Undo', run: () => void putBack(studio, pictures) },
  });
}
