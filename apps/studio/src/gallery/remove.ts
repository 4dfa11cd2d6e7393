import type { KeptPicture } from '../storage/database.js';
import type { Studio } from '../studio.js';
import { letGo, putBack } from './unkept.js';

/** Takes pictures out of the gallery; the notice that says so brings them back. */
export async function removePictures(
  studio: Pick<Studio, 'shelf' | 'gallery' | 'toasts'>,
  pictures: readonly KeptPicture[],
): Promise<void> {
  const { shelf, toasts } = studio;
  await shelf.remove(pictures.map(({ id }) => id));
  letGo(studio, pictures);
  toasts.getState().say(pictures.length === 1 ? 'Deleted.' : `${pictures.length} pictures deleted.`, {
    // Where another tab took the room meanwhile they are held, and a notice says so.
    action: { label: 'Undo', run: () => void putBack(studio, pictures) },
  });
}
