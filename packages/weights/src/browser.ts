export type { AddedFile } from './opfs/added-file.js';
export { NoRoomError } from './hub/no-room-error.js';
export { localModelName } from './opfs/local-name.js';
export {
  ModelStore,
  openModelStore,
  type ModelOffer,
  type ModelStoreOptions,
  type StorageReport,
  type StoreDownloadOptions,
} from './opfs/model-store.js';
export type { StoredModel } from './opfs/stored-model.js';
