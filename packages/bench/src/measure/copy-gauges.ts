import type { Device } from '@pleinair/tensor';
import type { Gauge } from './gauge.js';
import { RawKernel } from './raw-kernel.js';

const workgroupSize = 64;
/** Copies in one submission, so that submitting weighs little. */
const repeats = 4;
const wgsl = `
struct Sizes { count: u32, stride: u32, a: u32, b: u32 }
@group(0) @binding(0) var<storage, read_write> original: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> copy: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> u: Sizes;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  for (var i = id.x; i < u.count; i += u.stride) { copy[i] = original[i]; }
}`;

/** Two ways to copy buffers beyond any cache: a kernel, and the adapter's own copy. */
export async function copyGauges(device: Device): Promise<Gauge[]> {
  const { isSoftware, limits } = device.profile;
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize, isSoftware ? 2 ** 26 : 2 ** 28);
  const bytes = Math.floor(most / 256) * 256;
  const kernel = await RawKernel.make(device, wgsl, [bytes, bytes]);
  const count = bytes / 16;
  const groups = Math.min(Math.ceil(count / workgroupSize), 16384);
  const uniforms = Uint32Array.of(count, groups * workgroupSize, 0, 0).buffer;
  const gauge = (how: string, time: (expectedMs: number) => Promise<number>): Gauge => {
    let lastMs = 0;
    return {
      kind: 'copy',
      how,
      read: async () => (2 * bytes * repeats) / ((lastMs = await time(lastMs)) * 1e6),
      dispose: () => kernel.dispose(),
    };
  };
  return [
    gauge('a kernel', (expectedMs) => kernel.time(uniforms, groups, repeats, expectedMs)),
    gauge('copyBufferToBuffer', (expectedMs) => kernel.timeCopy(bytes, repeats, expectedMs)),
  ];
}
