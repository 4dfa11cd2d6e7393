import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cabinSettings as settings } from '../../test/cabin-settings.js';
import type { KeptPicture } from '../storage/database.js';
import { createToastStore } from '../ui/toast-store.js';
import { createGalleryStore } from './gallery-store.js';
import type { PictureShelf } from './picture-shelf.js';
import { removePictures } from './remove.js';
import { holdUnkept, warnWhileUnkept } from './unkept.js';

const picture = (madeAt: number): KeptPicture => ({
  id: `picture ${madeAt}`,
  madeAt,
  png: new Blob(),
  settings,
  width: 96,
  height: 128,
  model: 'demo',
});

const quota = new DOMException('The quota has been exceeded.', 'QuotaExceededError');

/** A studio whose shelf has room for so many pictures. */
function studioWith(room: number) {
  const kept = new Map<string, KeptPicture>();
  const state = { room };
  const shelf: Pick<PictureShelf, 'restore' | 'remove' | 'watch'> = {
    restore: async (pictures) => {
      for (const each of pictures) {
        if (kept.size >= state.room) throw quota;
        kept.set(each.id, each);
      }
    },
    remove: async (ids) => ids.forEach((id) => kept.delete(id)),
    watch: () => () => undefined,
  };
  const toasts = createToastStore();
  const studio = { shelf: shelf as PictureShelf, gallery: createGalleryStore(shelf as PictureShelf), toasts };
  return { kept, state, studio, notices: () => toasts.getState().toasts };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('pictures for which there is no room', () => {
  it('are told of by one notice, however many other notices come, and kept together when there is', async () => {
    const { studio, notices, kept, state } = studioWith(0);
    for (const madeAt of [1, 2, 3, 4, 5]) holdUnkept(studio, [picture(madeAt)], quota);
    for (const text of ['a', 'b', 'c', 'd']) studio.toasts.getState().say(text);
    expect(notices().map(({ text }) => text)).toEqual([expect.stringContaining('5 pictures'), 'b', 'c', 'd']);
    expect(studio.gallery.getState().unkept.map(({ madeAt }) => madeAt)).toEqual([5, 4, 3, 2, 1]);

    state.room = 2;
    notices()[0]!.action!.run();
    await vi.waitFor(() => expect(notices().at(-1)!.text).toContain('no room to keep 3 pictures'));
    expect(notices().filter(({ action }) => action)).toHaveLength(1);
    expect(studio.gallery.getState().unkept).toHaveLength(3);

    state.room = 9;
    notices().at(-1)!.action!.run();
    await vi.waitFor(() => expect(notices().at(-1)!.text).toBe('3 pictures are kept.'));
    expect(studio.gallery.getState().unkept).toEqual([]);
    expect(kept.size).toBe(5);
  });

  it('lose their notice when the last is deleted', async () => {
    const { studio, notices } = studioWith(0);
    holdUnkept(studio, [picture(1)], quota);
    expect(notices()[0]!.text).toContain('this picture (The quota has been exceeded.)');
    await removePictures(studio, [picture(1)]);
    expect(studio.gallery.getState().unkept).toEqual([]);
    expect(notices().map(({ text }) => text)).toEqual(['Deleted.']);
  });

  it('are held when a deletion is undone and the room is gone', async () => {
    const { studio, notices, kept, state } = studioWith(2);
    await studio.shelf.restore([picture(1), picture(2)]);
    await removePictures(studio, [picture(1), picture(2)]);
    expect(kept.size).toBe(0);
    state.room = 1;
    notices()[0]!.action!.run();
    await vi.waitFor(() => expect(notices().at(-1)!.text).toMatch(/no room to keep this picture/));
    expect(studio.gallery.getState().unkept).toEqual([picture(2)]);
    expect([...kept.keys()]).toEqual(['picture 1']);
  });

  it('let the browser ask before the page is left', () => {
    const { studio } = studioWith(0);
    const page = new EventTarget();
    const asks = (): boolean => !page.dispatchEvent(new Event('beforeunload', { cancelable: true }));
    const end = warnWhileUnkept(studio.gallery, page);
    expect(asks()).toBe(false);
    holdUnkept(studio, [picture(1)], quota);
    expect(asks()).toBe(true);
    studio.gallery.setState({ unkept: [] });
    expect(asks()).toBe(false);
    holdUnkept(studio, [picture(2)], quota);
    end();
    expect(asks()).toBe(false);
  });
});

it('says plainly when pictures cannot be deleted, and keeps them', async () => {
  const { studio } = studioWith(1);
  studio.shelf.remove = () => Promise.reject(new Error('the database is closed'));
  await removePictures(studio, [picture(1)]);
  const [toast] = studio.toasts.getState().toasts;
  expect(toast).toMatchObject({ text: 'The picture could not be deleted: the database is closed', tone: 'warning' });
  expect(toast!.action).toBeUndefined();
});
