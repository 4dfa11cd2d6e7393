export {
  CancelledError,
  DeviceError,
  DeviceLostError,
  KernelError,
  NoAdapterError,
  OutOfMemoryError,
  PleinairError,
  ShapeError,
  isPleinairError,
  throwIfCancelled,
} from './errors.js';
export { bytesPerElement, fromHalfArray, fromHalfBits, toHalfArray, toHalfBits, type DType } from './dtype.js';
export { defaultProfile, type DeviceProfile, type SubgroupMatrixShape } from './profile.js';
export { rowCount, rowStride, tensorBytes, type Tensor, type TensorKind } from './tensor.js';
export {
  inLayout,
  plainRows,
  storageName,
  weightKey,
  type PackedPiece,
  type Weight,
  type WeightLayout,
  type WeightSource,
  type WeightStorage,
} from './weight.js';
export {
  indexPiece,
  paletteBlockRows,
  paletteBlocks,
  paletteGroups,
  paletteOfRow,
  palettePiece,
  paletteTableBytes,
  type PaletteBits,
  type PaletteForm,
} from './palette.js';
export type { BoundTensor, BoundWeight, Dispatch, Kernel, KernelBinding } from './kernel.js';
export { Graph, type GraphOptions, type LowRankLookup, type PaletteLookup } from './graph.js';
export {
  replacedBy,
  type GraphNode,
  type InputWindow,
  type LayerInput,
  type LowerContext,
  type Segment,
} from './graph-node.js';
export { WeightScope } from './weight-scope.js';
export { branchName, branchOf, type BranchFactor } from './branch.js';
export { alignUp, peakLiveBytes, planArena, planWholeBuffers, type Lifetime, type Placement } from './planner.js';
export { allocationBytes } from './arena-size.js';
export { liveBytes } from './live-bytes.js';
export type { LoweredNode, VariantChoice } from './lower-nodes.js';
export {
  isPlan,
  planProgram,
  weightBytes,
  type PlanOptions,
  type ProgramPlan,
  type SegmentPlan,
  type PickVariant,
} from './plan.js';
export { describeAdapter, nodeToggles, profileOf, type AdapterDescription, type AdapterOptions } from './adapter.js';
export { Device, requestDevice, type DeviceBuffer, type DeviceOptions } from './device.js';
export { MemoryLedger, type MemoryCategory, type MemoryCounts } from './memory.js';
export { PipelineCache, type CompileOptions, type Pipeline } from './pipeline-cache.js';
export { bufferUsage } from './gpu-flags.js';
export { compileProgram, Program, type CompileProgramOptions, type ProgramMemory } from './program.js';
export type { RunOptions, RunProgress } from './executor.js';
export type { TimeRepeatsOptions } from './time-repeats.js';
export type { KernelTime } from './profile-segment.js';
export type { HostData, WritableData } from './host-data.js';
export { WeightStore } from './weight-store.js';
export { orderBounds, type OrderBound } from './order-bound.js';
export { comparePlacements, type PlacementComparison } from './compare-placements.js';
