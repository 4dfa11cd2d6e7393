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
  type StoredModel,
} from './opfs/model-store.js';
