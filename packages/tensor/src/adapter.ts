import { NoAdapterError } from './errors.js';
import type { DeviceProfile, SubgroupMatrixShape } from './profile.js';

/** How to find an adapter. */
export interface AdapterOptions {
  readonly powerPreference?: 'high-performance' | 'low-power';
  /** Ask for a software adapter. */
  readonly fallback?: boolean;
  /** The WebGPU entry point to use instead of the platform's own. */
  readonly gpu?: GPU;
  /** Dawn toggles for Node, added to {@link nodeToggles}; browsers ignore them. */
  readonly toggles?: readonly string[];
}

/** An adapter in words and figures, for a person who wonders why something is slow or missing. */
export interface AdapterDescription {
  readonly profile: DeviceProfile;
  /** Every feature the adapter has, sorted. */
  readonly features: readonly string[];
  /** Every limit the adapter reports. */
  readonly limits: Readonly<Record<string, number>>;
  /** WGSL language features of the implementation, sorted. */
  readonly languageFeatures: readonly string[];
}

/**
 * Dawn toggles that are always on in Node. `vulkan_enable_f16_on_nvidia`: Dawn otherwise hides `shader-f16` on every
 * NVIDIA GPU under Vulkan. `allow_unsafe_apis` and `use_vulkan_memory_model`: subgroup matrices. Toggles that do not
 * apply to an adapter have no effect on it.
 */
export const nodeToggles: readonly string[] = [
  'allow_unsafe_apis',
  'vulkan_enable_f16_on_nvidia',
  'use_vulkan_memory_model',
];

/** True in Node and what behaves like it, where WebGPU comes from Dawn. */
export function isNode(): boolean {
  return typeof process !== 'undefined' && typeof process.versions?.node === 'string';
}

/**
 * Finds the platform's WebGPU: `navigator.gpu` where there is one, else, in Node, Dawn through the `webgpu` package.
 *
 * @throws {@link NoAdapterError} Where neither exists.
 */
export async function findGpu(options: AdapterOptions = {}): Promise<GPU> {
  if (options.gpu) return options.gpu;
  if (typeof navigator !== 'undefined' && navigator.gpu) return navigator.gpu;
  if (isNode()) return (await loadDawn(options))([]);
  throw new NoAdapterError(
    'this browser has no WebGPU',
    'Use Chrome or Edge 113, Safari 26 or Firefox 141 or newer, on a page served over https or from localhost.',
  );
}

/** Dawn's entry point, with the toggles filled in. */
async function loadDawn(options: AdapterOptions): Promise<(flags: readonly string[]) => GPU> {
  // A name in a variable keeps the native package out of what bundlers follow; browsers never come here.
  const dawn = 'webgpu';
  try {
    const { create } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ dawn)) as typeof import('webgpu');
    const toggles = [...new Set([...nodeToggles, ...(options.toggles ?? [])])];
    return (flags) => create([`enable-dawn-features=${toggles.join(',')}`, ...flags]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new NoAdapterError(
      `the npm package "webgpu" did not load: ${reason}`,
      'Install it with `npm install webgpu`; it has builds for Linux, macOS and Windows on x64 and arm64.',
    );
  }
}

/** Lavapipe, which Dawn does not count among fallback adapters but which is the fastest software adapter on Linux. */
async function findLavapipe(options: AdapterOptions): Promise<FoundAdapter | undefined> {
  try {
    const gpu = (await loadDawn(options))(['adapter=llvmpipe']);
    const adapter = await gpu.requestAdapter();
    return adapter ? { gpu, adapter } : undefined;
  } catch {
    return undefined; // Dawn throws where no adapter has that name.
  }
}

/** An adapter and where it came from. Dawn in Node crashes when the latter is collected while the former is in use. */
export interface FoundAdapter {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
}

/**
 * Finds an adapter.
 *
 * @throws {@link NoAdapterError} With the cure for this platform.
 */
export async function findAdapter(options: AdapterOptions = {}): Promise<FoundAdapter> {
  const gpu = await findGpu(options);
  if (options.fallback && !options.gpu && isNode() && process.platform === 'linux') {
    const lavapipe = await findLavapipe(options);
    if (lavapipe) return lavapipe;
  }
  const request: GPURequestAdapterOptions = { forceFallbackAdapter: options.fallback ?? false };
  if (!options.fallback) request.powerPreference = options.powerPreference ?? 'high-performance';
  const adapter = await gpu.requestAdapter(request);
  if (!adapter) throw noAdapter(options.fallback ?? false);
  return { gpu, adapter };
}

/** The profile of an adapter: all that this library's choices may read. */
export function profileOf(adapter: GPUAdapter): DeviceProfile {
  const { info, limits, features } = adapter;
  const has = (name: string): boolean => features.has(name);
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return {
    name: info.description || info.device || `${info.vendor} ${info.architecture}`.trim() || 'unnamed adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
    isSoftware: info.isFallbackAdapter || /llvmpipe|swiftshader|softpipe|basic render|\bwarp\b/i.test(words),
    features: {
      shaderF16: has('shader-f16'),
      subgroups: has('subgroups'),
      timestampQuery: has('timestamp-query'),
      subgroupMatrix: has('chromium-experimental-subgroup-matrix'),
    },
    subgroupMinSize: info.subgroupMinSize || 4,
    subgroupMaxSize: info.subgroupMaxSize || 128,
    subgroupMatrixShapes: matrixShapes(info),
    limits: {
      // Rounded down to what a buffer of vec4s can use; some adapters report 2^32 − 1.
      maxBufferSize: Math.floor(limits.maxBufferSize / 16) * 16,
      maxStorageBufferBindingSize: Math.floor(limits.maxStorageBufferBindingSize / 16) * 16,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
      minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    },
  };
}

/** One entry of Dawn's `GPUAdapterInfo.subgroupMatrixConfigs`, which is no part of WebGPU's types yet. */
interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

function matrixShapes(info: GPUAdapterInfo): SubgroupMatrixShape[] {
  const { subgroupMatrixConfigs = [] } = info as { readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };
  const shapes: SubgroupMatrixShape[] = [];
  for (const { componentType: component, resultComponentType: result, M, N, K } of subgroupMatrixConfigs) {
    if (isFloat(component) && isFloat(result)) shapes.push({ component, result, m: M, n: N, k: K });
  }
  return shapes;
}

function isFloat(type: string): type is 'f16' | 'f32' {
  return type === 'f16' || type === 'f32';
}

/**
 * Describes the adapter that {@link requestDevice} would take, without making a device.
 *
 * @throws {@link NoAdapterError}
 */
export async function describeAdapter(options: AdapterOptions = {}): Promise<AdapterDescription> {
  const { gpu, adapter } = await findAdapter(options);
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value: unknown = Reflect.get(adapter.limits, name);
    if (typeof value === 'number') limits[name] = value;
  }
  return {
    profile: profileOf(adapter),
    features: [...adapter.features].sort(),
    limits,
    languageFeatures: [...gpu.wgslLanguageFeatures].sort(),
  };
}

function noAdapter(fallback: boolean): NoAdapterError {
  if (!isNode()) {
    return new NoAdapterError(
      fallback ? 'the browser offers no software adapter' : 'the browser has WebGPU but gave no adapter',
      'Switch on hardware acceleration in its settings, update the GPU driver, and look at chrome://gpu or about:support.',
    );
  }
  const cures: Partial<Record<NodeJS.Platform, string>> = {
    linux:
      'Install a Vulkan driver: the GPU vendor’s, or Mesa’s for a software adapter (`apt install mesa-vulkan-drivers`; ' +
      'on Debian 12 add `-t bookworm-backports`, as Dawn refuses Mesa 22). `pleinair doctor` shows what is found.',
    darwin: 'Dawn needs Metal: macOS 11 or newer on a Mac with a GPU, and a login session.',
    win32: 'Update the GPU driver (Direct3D 12), or use `fallback` for the software adapter.',
  };
  return new NoAdapterError(
    fallback ? 'no software adapter is installed' : 'Dawn found no usable GPU driver',
    cures[process.platform] ?? 'Install a Vulkan driver.',
  );
}
