export type { AddedFile } from './opfs/add-files.js';
export {
  ModelStore,
  openModelStore,
  type ModelOffer,
  type ModelStoreOptions,
  type StorageReport,
  type StoreDownloadOptions,
  type StoredModel,
} from './opfs/model-store.js';
