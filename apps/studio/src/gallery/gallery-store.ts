import { createStore, type StoreApi } from 'zustand/vanilla';
import type { KeptPicture } from '../storage/database.js';
import { errorInWords } from '../words/error-in-words.js';
import type { PictureShelf } from './picture-shelf.js';

/** The gallery as pages show it. */
export interface GalleryState {
  /** Newest first; nothing before they were read. */
  readonly pictures: readonly KeptPicture[] | undefined;
  /** Made, but the browser had no room to keep them; they last as long as the page. */
  readonly unkept: readonly KeptPicture[];
  /** Why the gallery cannot be read, in words. */
  readonly broken: string | undefined;
}

/** A gallery store that follows the shelf. */
export function createGalleryStore(shelf: PictureShelf): StoreApi<GalleryState> {
  const store = createStore<GalleryState>(() => ({ pictures: undefined, unkept: [], broken: undefined }));
  shelf.watch(
    (pictures) => store.setState({ pictures, broken: undefined }),
    (error) => store.setState({ broken: errorInWords(error) }),
  );
  return store;
}

/** Every picture there is, newest first. */
export function allPictures({ pictures = [], unkept }: GalleryState): readonly KeptPicture[] {
  return unkept.length === 0 ? pictures : [...unkept, ...pictures];
}
