export { folderSource } from './folder-source.js';
export { writeFileAtomically, writeSafetensors, type WriteOptions } from './write-file.js';
