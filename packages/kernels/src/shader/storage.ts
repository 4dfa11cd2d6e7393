import type { DeviceProfile, DType, KernelBinding, WeightStorage } from '@pleinair/tensor';

/**
 * How a buffer's elements appear in a shader. Whatever the form, kernels speak `vec4<f32>`: four consecutive elements,
 * at an index counted in vec4s.
 *
 * - `f32`: `array<vec4<f32>>`
 * - `f16`: `array<vec4<f16>>`, needs `enable f16`
 * - `f16-packed`: the same bytes as `array<vec2<u32>>`, for adapters without `shader-f16` (every NVIDIA card under
 *   Vulkan, SwiftShader) and for those that load words faster than halves
 * - `u32`: `array<u32>`, plain integers: no load or store function, index it directly
 */
export type StorageForm = 'f32' | 'f16' | 'f16-packed' | 'u32';

/** The form in which a dtype is bound on an adapter. Integers are bound as `u32`. */
export function storageForm(dtype: DType | WeightStorage, profile: DeviceProfile): StorageForm {
  if (dtype === 'f32') return 'f32';
  if (dtype === 'f16') return profile.features.shaderF16 ? 'f16' : 'f16-packed';
  return 'u32';
}

/** One storage buffer of a kernel, in binding order. */
export interface BufferDeclaration {
  /** WGSL name; gives `load_NAME(i: u32) -> vec4<f32>` and, when `access` is `read_write`, `store_NAME(i: u32, v: vec4<f32>)`. */
  readonly name: string;
  readonly form: StorageForm;
  /** Weights are `read`; tensors always `read_write` (see `KernelBinding`). */
  readonly access: KernelBinding['access'];
}

const elementType: Record<StorageForm, string> = {
  f32: 'vec4<f32>',
  f16: 'vec4<f16>',
  'f16-packed': 'vec2<u32>',
  u32: 'u32',
};

/**
 * WGSL that declares buffers at `@group(0) @binding(0…)` with their load and store functions.
 *
 * Stores of halves clamp to the largest finite one, in both forms: WGSL leaves open what becomes of larger values, and
 * adapters with and without `shader-f16` are to paint one picture. A NaN, which WGSL lets an adapter take for absent, comes
 * out as one of the bounds (as -65504 where `clamp` is SPIR-V's `NClamp`).
 */
export function declareBuffers(buffers: readonly BufferDeclaration[]): string {
  return buffers.map((buffer, binding) => declareBuffer(buffer, binding)).join('\n');
}

function declareBuffer({ name, form, access }: BufferDeclaration, binding: number): string {
  const lines = [`@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${elementType[form]}>;`];
  if (form !== 'u32') {
    lines.push(`fn load_${name}(i: u32) -> vec4<f32> { ${loadBody(name, form)} }`);
    if (access === 'read_write') lines.push(`fn store_${name}(i: u32, v: vec4<f32>) { ${storeBody(name, form)} }`);
  }
  return lines.join('\n');
}

function loadBody(name: string, form: StorageForm): string {
  if (form === 'f32') return `return ${name}[i];`;
  if (form === 'f16') return `return vec4<f32>(${name}[i]);`;
  return `let w = ${name}[i]; return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));`;
}

function storeBody(name: string, form: StorageForm): string {
  if (form === 'f32') return `${name}[i] = v;`;
  const clamped = 'let h = clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0));';
  if (form === 'f16') return `${clamped} ${name}[i] = vec4<f16>(h);`;
  return `${clamped} ${name}[i] = vec2<u32>(pack2x16float(h.xy), pack2x16float(h.zw));`;
}
