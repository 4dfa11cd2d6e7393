/**
 * A shape that an adapter's matrix units multiply: `[m, k] · [k, n]`, both of `component`, added up in `result`. As
 * `GPUAdapterInfo.subgroupMatrixConfigs` lists them, floats only.
 */
export interface SubgroupMatrixShape {
  readonly component: 'f16' | 'f32';
  readonly result: 'f16' | 'f32';
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * What an adapter can do, as plain data. Every choice the library makes (kernel variant, tile, band, slice) reads this
 * and nothing else, so a plan can be made for any adapter on a machine that has none.
 */
export interface DeviceProfile {
  /** What to show a person, e.g. `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True for software adapters (lavapipe, SwiftShader, WARP): moderate unrolling, few pipelines. */
  readonly isSoftware: boolean;
  readonly features: {
    /** WGSL `enable f16`. Without it half floats are stored packed and arithmetic is f32. */
    readonly shaderF16: boolean;
    readonly subgroups: boolean;
    readonly timestampQuery: boolean;
    readonly subgroupMatrix: boolean;
  };
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  /** Shapes of `chromium-experimental-subgroup-matrix`, in the adapter's order; empty where it has no matrix units. */
  readonly subgroupMatrixShapes: readonly SubgroupMatrixShape[];
  readonly limits: {
    readonly maxBufferSize: number;
    /** Bytes one binding may span; tensors beyond it are bound in row bands. */
    readonly maxStorageBufferBindingSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
    readonly minStorageBufferOffsetAlignment: number;
    readonly minUniformBufferOffsetAlignment: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
    readonly maxComputeWorkgroupSizeX: number;
    readonly maxComputeWorkgroupSizeY: number;
    readonly maxComputeWorkgroupsPerDimension: number;
  };
}

/**
 * The profile plans are made for unless a real adapter is asked for: `shader-f16`, no subgroups, WebGPU's guaranteed limits but
 * for the binding and buffer sizes, which are those of common desktop adapters (2 GiB less one tier).
 */
export const defaultProfile: DeviceProfile = {
  name: 'default profile (no tuner results)',
  vendor: '',
  architecture: '',
  description: 'default',
  isSoftware: false,
  features: { shaderF16: true, subgroups: false, timestampQuery: false, subgroupMatrix: false },
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  subgroupMatrixShapes: [],
  limits: {
    maxBufferSize: 4 * 2 ** 30 - 4,
    maxStorageBufferBindingSize: 2 * 2 ** 30 - 4,
    maxStorageBuffersPerShaderStage: 8,
    minStorageBufferOffsetAlignment: 256,
    minUniformBufferOffsetAlignment: 256,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupSizeY: 256,
    maxComputeWorkgroupsPerDimension: 65535,
  },
};
