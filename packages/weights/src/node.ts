export { folderSource, isFolder, isThere } from './folder-source.js';
export { folderSink, type FolderSinkOptions, type FolderSystem } from './model/folder-sink.js';
export { localPlace } from './model/local-place.js';
export { writeFileAtomically, writeSafetensors, type WriteOptions } from './write-file.js';
export { downloadModel, type CachedModel, type HubDownloadOptions } from './hub/cache/download-model.js';
export { hubSource, type HubSourceOptions } from './hub/cache/hub-source.js';
export { findToken, hubCacheFolder, hubEndpointOf, isOffline, type HubEnvironment } from './hub/cache/cache-places.js';
export {
  listCachedModels,
  removeCachedModel,
  verifyCachedModel,
  type CachedRepo,
  type CachedRevision,
  type CacheOptions,
  type RemovedModel,
  type VerifiedModel,
} from './hub/cache/cached-models.js';
