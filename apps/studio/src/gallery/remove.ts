import type { KeptPicture } from '../storage/database.js';
import type { Studio } from '../studio.js';

/** Takes pictures out of the gallery; the notice that says so brings them back. */
export async function removePictures(
  { shelf, gallery, toasts }: Studio,
  pictures: readonly KeptPicture[],
): Promise<void> {
  const ids = pictures.map(({ id }) => id);
  const { unkept } = gallery.getState();
  await shelf.remove(ids);
  gallery.setState({ unkept: unkept.filter(({ id }) => !ids.includes(id)) });
  toasts.getState().say(pictures.length === 1 ? 'Deleted.' : `${pictures.length} pictures deleted.`, {
    action: { label: 'Undo', run: () => void restore() },
  });

  async function restore(): Promise<void> {
    await shelf.restore(pictures);
  }
}
