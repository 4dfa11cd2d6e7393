export { MissingPartError, PaletteError, WeightError } from './errors.js';
export {
  createSource,
  type ListOptions,
  type ModelSource,
  type ReadOptions,
  type ReadRangeOptions,
  type SourceBackend,
  type SourceFile,
} from './source.js';
export { blobSource } from './blob-source.js';
export { layeredSource } from './layered-source.js';
export { httpSource, type HttpSourceOptions } from './http-source.js';
export { HubError } from './hub/hub-error.js';
export { formatHubName, parseHubName, readHubName, type HubName } from './hub/hub-name.js';
export { remoteHubSource } from './hub/remote-source.js';
export type { Checksum, HubAccess, HubFile } from './hub/hub-client.js';
export type { DownloadProgress } from './hub/download-meter.js';
export { httpFilesSource } from './http-files-source.js';
export {
  byteLengthOf,
  elementCount,
  isFloatDtype,
  isSafetensorsDtype,
  safetensorsDtypes,
  type FloatDtype,
  type SafetensorsDtype,
} from './safetensors-dtype.js';
export { openSafetensors, type SafetensorsEntry, type SafetensorsFile } from './safetensors-file.js';
export {
  isPartedSource,
  makeComponent,
  openComponent,
  type Component,
  type ComponentEntry,
  type OpenComponentOptions,
  type PartedSource,
} from './component.js';
export { splitCheckpointAddress } from './model/checkpoint-address.js';
export { partFiles, weightsBaseName, type FileToWrite, type PartFormat } from './model/encode-part.js';
export { fillSink, type ModelSink } from './model/sink.js';
export { memorySink, type MemorySink, type MemorySinkOptions } from './model/memory-sink.js';
export { modelFiles, writeFiles, writeModel, type ModelFormat, type WriteModelOptions } from './model/write-model.js';
export { openModel, type OpenModelOptions } from './model/open-model.js';
export {
  isCheckpointModel,
  openCheckpoint,
  type CheckpointModel,
  type CheckpointOptions,
} from './model/single-file.js';
export type { CheckpointFamily, CheckpointKind, CheckpointPrediction } from './checkpoint/recognise.js';
export { loadWeights, type LoadOptions, type LoadProgress, type LoadReport } from './load.js';
export { packHalves } from './pack-halves.js';
export { readTensor, readTensorBytes } from './read-tensor.js';
export { encodeSafetensors, type EncodeOptions, type TensorToWrite } from './encode.js';
export { isPaletteBits, paletteBits, paletteSize } from './palettized/bits.js';
export {
  columnsOf,
  indexShape,
  isPalettizableShape,
  isStoredPaletteForm,
  storedBits,
  tapsOf,
  type StoredPaletteForm,
} from './palettized/form.js';
export {
  encodeDescription,
  formatVersion,
  indicesSuffix,
  metadataKey,
  paletteSuffix,
} from './palettized/description.js';
export {
  componentPalettes,
  palettizedEntries,
  readIndices,
  readPalettes,
  readPalettized,
  type PalettizedEntry,
} from './palettized/entries.js';
export { packIndices } from './palettized/pack.js';
export { decodePalettized, unpackIndices } from './palettized/unpack.js';
export { editDistance, nearestNames } from './nearest-names.js';
export {
  AdapterError,
  branchPieces,
  branchRank,
  loraMerge,
  LoraModule,
  openEmbedding,
  openLora,
  type AddRows,
  type Embedding,
  type EncoderWidth,
  type Lora,
  type LoraChange,
  type LoraKind,
  type LoraTarget,
  type LowRank,
  type ScaledModules,
  type WeightMerge,
} from './lora/index.js';
