export { storageForm, type StorageForm } from './shader/storage.js';
