import type { StoreApi } from 'zustand/vanilla';
import type { KeptPicture } from '../storage/database.js';
import type { Studio } from '../studio.js';
import { errorInWords } from '../words/error-in-words.js';
import type { GalleryState } from './gallery-store.js';

type Keeping = Pick<Studio, 'shelf' | 'gallery' | 'toasts'>;

/** One notice tells of all of them. */
const noticeId = 'unkept';

/** Holds pictures for which there is no room until the page is closed; one notice says so and offers to try again. */
export function holdUnkept({ gallery, ...others }: Keeping, pictures: readonly KeptPicture[], why: unknown): void {
  gallery.setState(({ unkept }) => ({
    unkept: [...pictures, ...without(unkept, pictures)].sort((a, b) => b.madeAt - a.madeAt),
  }));
  sayUnkept({ gallery, ...others }, errorInWords(why));
}

/**
 * Puts pictures on the shelf; those for which there is no room are held.
 *
 * @returns Whether there was room for all.
 */
export async function putBack(studio: Keeping, pictures: readonly KeptPicture[]): Promise<boolean> {
  const { shelf, gallery } = studio;
  const left: KeptPicture[] = [];
  let why: unknown;
  // One by one: there may be room for some.
  for (const picture of pictures) {
    try {
      await shelf.restore([picture]);
      gallery.setState(({ unkept }) => ({ unkept: without(unkept, [picture]) }));
    } catch (error) {
      left.push(picture);
      why = error;
    }
  }
  if (left.length > 0) holdUnkept(studio, left, why);
  return left.length === 0;
}

/** Lets go of pictures that were held, and takes the notice away with the last. */
export function letGo(
  { gallery, toasts }: Pick<Keeping, 'gallery' | 'toasts'>,
  pictures: readonly KeptPicture[],
): void {
  const { unkept: before } = gallery.getState();
  const unkept = without(before, pictures);
  if (unkept.length === before.length) return;
  gallery.setState({ unkept });
  if (unkept.length === 0) toasts.getState().dismiss(noticeId);
}

/**
 * Lets the browser ask before the page is left while pictures are held that would go with it.
 *
 * @returns Ends it.
 */
export function warnWhileUnkept(
  gallery: StoreApi<GalleryState>,
  page: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>,
): () => void {
  const ask = (event: Event): void => event.preventDefault();
  // Only while it is needed: browsers keep no page ready to go back to that listens.
  const follow = ({ unkept }: GalleryState): void =>
    unkept.length > 0 ? page.addEventListener('beforeunload', ask) : page.removeEventListener('beforeunload', ask);
  follow(gallery.getState());
  const end = gallery.subscribe(follow);
  return () => {
    end();
    page.removeEventListener('beforeunload', ask);
  };
}

function sayUnkept(studio: Keeping, why: string): void {
  const { length } = studio.gallery.getState().unkept;
  const text =
    length === 1
      ? `The browser has no room to keep this picture (${why}). It stays until the page is closed: download it, or delete others.`
      : `The browser has no room to keep ${length} pictures (${why}). They stay until the page is closed: download them, or delete others.`;
  const label = length === 1 ? 'Try again to keep it' : 'Try again to keep them';
  const run = (): void => void keepAgain(studio);
  studio.toasts.getState().say(text, { id: noticeId, tone: 'warning', action: { label, run } });
}

/** Keeps all pictures for which there was no room before. */
async function keepAgain(studio: Keeping): Promise<void> {
  const { unkept } = studio.gallery.getState();
  if (await putBack(studio, unkept)) {
    studio.toasts.getState().say(unkept.length === 1 ? 'Kept.' : `${unkept.length} pictures are kept.`);
  }
}

function without(pictures: readonly KeptPicture[], some: readonly KeptPicture[]): KeptPicture[] {
  return pictures.filter(({ id }) => !some.some((each) => each.id === id));
}
