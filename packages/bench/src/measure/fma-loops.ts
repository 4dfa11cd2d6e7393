import type { Device, DeviceProfile } from '@pleinair/tensor';
import type { Gauge } from './gauge.js';
import { RawKernel } from './raw-kernel.js';

/** A loop of multiply-adds in registers. */
export interface FmaLoop {
  readonly dtype: 'f32' | 'f16';
  readonly name: string;
  readonly wgsl: string;
  readonly workgroupSize: number;
  /** Scalar multiply-adds of one invocation in one turn of the loop. */
  readonly perTurn: number;
}

/** Multiply-adds of each chain in one turn: so many that the loop itself costs nothing. */
const unroll = 8;

const forms = [
  { dtype: 'f32', type: 'vec4<f32>', width: 4, chains: 2 },
  { dtype: 'f32', type: 'vec4<f32>', width: 4, chains: 3 },
  { dtype: 'f32', type: 'vec4<f32>', width: 4, chains: 8 },
  { dtype: 'f32', type: 'f32', width: 1, chains: 8 },
  { dtype: 'f32', type: 'f32', width: 1, chains: 12 },
  { dtype: 'f16', type: 'vec4<f16>', width: 4, chains: 3 },
  { dtype: 'f16', type: 'vec4<f16>', width: 4, chains: 8 },
  { dtype: 'f16', type: 'f16', width: 1, chains: 12 },
] as const;

/** Loops that differ in how many chains run at once (latency against registers), in width and in workgroup size. */
export function fmaLoops(profile: DeviceProfile): FmaLoop[] {
  const sizes = [64, 256].filter((size) => size <= profile.limits.maxComputeInvocationsPerWorkgroup);
  const able = forms.filter(({ dtype }) => dtype === 'f32' || profile.features.shaderF16);
  return sizes.flatMap((workgroupSize) =>
    able.map(({ dtype, type, width, chains }) => ({
      dtype,
      name: `${chains} chains of ${type}, workgroups of ${workgroupSize}`,
      wgsl: loopText(dtype, type, chains, workgroupSize),
      workgroupSize,
      perTurn: chains * width * unroll,
    })),
  );
}

function loopText(dtype: 'f32' | 'f16', type: string, chains: number, workgroupSize: number): string {
  const each = (line: (i: number) => string): string => Array.from({ length: chains }, (_, i) => line(i)).join('\n  ');
  const turn = Array.from({ length: unroll }, () => each((i) => `a${i} = fma(a${i}, m, c);`)).join('\n  ');
  return `${dtype === 'f16' ? 'enable f16;' : ''}
struct Sizes { turns: u32, factor: f32, addend: f32, limit: f32 }
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<uniform> u: Sizes;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let m = ${type}(${dtype}(u.factor));
  let c = ${type}(${dtype}(u.addend));
  ${each((i) => `var a${i} = ${type}(${dtype}(f32((id.x + ${i}u) % 1024u) * 1e-3));`)}
  for (var turn = 0u; turn < u.turns; turn++) {
  ${turn}
  }
  let sum = ${Array.from({ length: chains }, (_, i) => `a${i}`).join(' + ')};
  // Never true, but that is for the adapter to find out.
  if (f32(${type.startsWith('vec4') ? 'sum.x + sum.y + sum.z + sum.w' : 'sum'}) > u.limit) { out[id.x] = 1.0; }
}`;
}

/** Shortest reading: long enough for the clock and for submitting to weigh little, short enough for any watchdog. */
const leastMs = 60;

/** A gauge of GFLOP/s over a loop, a multiply-add counting 2. */
export async function fmaGauge(device: Device, loop: FmaLoop): Promise<Gauge> {
  const invocations = device.profile.isSoftware ? 4096 : 2 ** 20;
  const kernel = await RawKernel.make(device, loop.wgsl, [invocations * 4]);
  let turns = 8;
  let lastMs = 0;
  const run = async (): Promise<number> => {
    const uniforms = new DataView(new ArrayBuffer(16));
    uniforms.setUint32(0, turns, true);
    // Values run towards 1 and stay there, and the sum below a limit that halves reach as well.
    [0.999, 0.001, 60_000].forEach((value, i) => uniforms.setFloat32(4 + 4 * i, value, true));
    lastMs = await kernel.time(uniforms.buffer, invocations / loop.workgroupSize, 1, lastMs);
    return lastMs;
  };
  await run();
  lastMs = 0;
  while ((await run()) < leastMs && turns < 2 ** 20) {
    turns *= 2;
    lastMs = 0;
  }
  return {
    kind: loop.dtype === 'f16' ? 'fmaF16' : 'fma',
    how: loop.name,
    read: async () => (2 * invocations * loop.perTurn * turns) / ((await run()) * 1e6),
    dispose: () => kernel.dispose(),
  };
}
