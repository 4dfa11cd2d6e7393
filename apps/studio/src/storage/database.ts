import { Dexie, type EntityTable } from 'dexie';
import type { PictureSettings } from 'pleinair';

/** A picture in the gallery. */
export interface KeptPicture {
  readonly id: string;
  /** When it was made: milliseconds since 1970. */
  readonly madeAt: number;
  /** With its settings inside. */
  readonly png: Blob;
  readonly settings: PictureSettings;
  readonly width: number;
  readonly height: number;
  /** Id of Studio's model. */
  readonly model: string;
}

/** What Studio keeps in IndexedDB. */
export class StudioDatabase extends Dexie {
  readonly pictures!: EntityTable<KeptPicture, 'id'>;

  constructor(name = 'pleinair-studio') {
    super(name);
    this.version(1).stores({ pictures: 'id, madeAt' });
  }
}
