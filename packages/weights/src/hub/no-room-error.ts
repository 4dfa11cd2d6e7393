import { bytesInWords } from './bytes-in-words.js';
import { HubError } from './hub-error.js';

/** The browser's quota is too small for a model. Code `hub/no-room`. */
export class NoRoomError extends HubError {
  /** Bytes that have yet to be written. */
  readonly neededBytes: number;
  /** Bytes that the browser grants beyond what is used. */
  readonly freeBytes: number;

  /** @param bytes - With those of models that are kept, which may be deleted. */
  constructor(
    model: string,
    bytes: { readonly neededBytes: number; readonly freeBytes: number; readonly modelBytes: number },
  ) {
    const { neededBytes, freeBytes, modelBytes } = bytes;
    super(
      'hub/no-room',
      `${model}: expected ${bytesInWords(neededBytes)} of room, got ${bytesInWords(freeBytes)} that the browser grants. ` +
        (modelBytes > 0
          ? `Delete a model (${bytesInWords(modelBytes)} are kept), or free room on the disk.`
          : 'Free room on the disk: browsers grant a share of it.'),
    );
    this.neededBytes = neededBytes;
    this.freeBytes = freeBytes;
  }
}
