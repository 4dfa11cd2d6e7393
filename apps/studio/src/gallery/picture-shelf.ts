import { liveQuery } from 'dexie';
import type { MadePicture } from '../engine/protocol.js';
import type { KeptPicture, StudioDatabase } from '../storage/database.js';

/** The pictures that were kept. */
export class PictureShelf {
  constructor(private readonly database: StudioDatabase) {}

  /**
   * Keeps a picture.
   *
   * @throws `QuotaExceededError` where the browser grants no more room.
   */
  async keep(made: MadePicture, model: string): Promise<KeptPicture> {
    const picture: KeptPicture = { ...made, model, id: crypto.randomUUID(), madeAt: Date.now() };
    await this.database.pictures.add(picture);
    return picture;
  }

  /** Puts back what was taken off. */
  async restore(pictures: readonly KeptPicture[]): Promise<void> {
    await this.database.pictures.bulkPut([...pictures]);
  }

  /** Takes pictures off the shelf for good. */
  async remove(ids: readonly string[]): Promise<void> {
    await this.database.pictures.bulkDelete([...ids]);
  }

  /** One picture, or nothing where there is none of that id. */
  find(id: string): Promise<KeptPicture | undefined> {
    return this.database.pictures.get(id);
  }

  /**
   * Tells of all pictures, newest first, now and whenever they change, in whichever tab that is.
   *
   * @returns Ends it.
   */
  watch(tell: (pictures: readonly KeptPicture[]) => void, onError: (error: unknown) => void): () => void {
    const query = liveQuery(() => this.database.pictures.orderBy('madeAt').reverse().toArray());
    const subscription = query.subscribe({ next: tell, error: onError });
    return () => subscription.unsubscribe();
  }
}
