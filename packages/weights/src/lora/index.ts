export { AdapterError } from './errors.js';
export { branchPieces, branchRank, type ScaledModules } from './branches.js';
export { LoraModule, type LoraChange, type LoraKind } from './lora-module.js';
export { loraMerge, type AddRows, type WeightMerge } from './merge.js';
export type { LoraTarget } from './module-names.js';
export type { LowRank } from './low-rank.js';
export { openLora, type Lora } from './open-lora.js';
export { openEmbedding, type Embedding, type EncoderWidth } from './textual-inversion.js';
