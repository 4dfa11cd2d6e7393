export { cacheFolder, type CachePlaces } from './tuning/cache-folder.js';
export { DiskTuningStore } from './tuning/disk-tuning-store.js';
