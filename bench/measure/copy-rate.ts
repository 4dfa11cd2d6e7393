import type { Device } from '@pleinair/tensor';
import { RawKernel } from './raw-kernel.js';

const workgroupSize = 64;
/** Copies in one submission, so that submitting weighs little. */
const repeats = 4;
const wgsl = `
struct Sizes { count: u32, stride: u32, a: u32, b: u32 }
@group(0) @binding(0) var<storage, read_write> source: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> target: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> u: Sizes;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  for (var i = id.x; i < u.count; i += u.stride) { target[i] = source[i]; }
}`.replaceAll('target', 'copy');

/** GB/s, reads and writes counted, of the better of a kernel and the adapter's own copy, over buffers beyond any cache. */
export async function copyGbPerS(device: Device): Promise<number> {
  const { isSoftware, limits } = device.profile;
  const most = Math.min(limits.maxStorageBufferBindingSize, isSoftware ? 2 ** 26 : 2 ** 29);
  const bytes = Math.floor(most / 256) * 256;
  const kernel = await RawKernel.make(device, wgsl, [bytes, bytes]);
  const count = bytes / 16;
  const groups = Math.min(Math.ceil(count / workgroupSize), 16384);
  const uniforms = Uint32Array.of(count, groups * workgroupSize, 0, 0).buffer;
  const ways = [
    (times: number) => kernel.time(uniforms, groups, times),
    (times: number) => kernel.timeCopy(bytes, times),
  ];
  try {
    const rates: number[] = [];
    for (const way of ways) {
      await way(1);
      const times: number[] = [];
      for (let round = 0; round < 5; round++) times.push(await way(repeats));
      rates.push((2 * bytes * repeats) / (Math.min(...times) * 1e6));
    }
    return Math.max(...rates);
  } finally {
    kernel.dispose();
  }
}
