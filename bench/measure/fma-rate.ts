import type { Device, DeviceProfile } from '@pleinair/tensor';
import { RawKernel } from './raw-kernel.js';

/** A loop of multiply-adds in registers. */
export interface FmaLoop {
  readonly name: string;
  readonly wgsl: string;
  readonly workgroupSize: number;
  /** Scalar multiply-adds of one invocation in one turn of the loop. */
  readonly perTurn: number;
}

/** Multiply-adds of each chain in one turn: so many that the loop itself costs nothing. */
const unroll = 8;

/** Loops that differ in how many chains run at once (latency against registers), in width and in workgroup size. */
export function fmaLoops(profile: DeviceProfile): FmaLoop[] {
  const sizes = [64, 256].filter((size) => size <= profile.limits.maxComputeInvocationsPerWorkgroup);
  const forms = [
    { type: 'vec4<f32>', width: 4, chains: 2 },
    { type: 'vec4<f32>', width: 4, chains: 3 },
    { type: 'vec4<f32>', width: 4, chains: 8 },
    { type: 'f32', width: 1, chains: 8 },
    { type: 'f32', width: 1, chains: 12 },
  ];
  return sizes.flatMap((workgroupSize) =>
    forms.map(({ type, width, chains }) => ({
      name: `${chains} chains of ${type}, workgroups of ${workgroupSize}`,
      wgsl: loopText(type, chains, workgroupSize),
      workgroupSize,
      perTurn: chains * width * unroll,
    })),
  );
}

function loopText(type: string, chains: number, workgroupSize: number): string {
  const each = (line: (i: number) => string): string => Array.from({ length: chains }, (_, i) => line(i)).join('\n  ');
  const turn = Array.from({ length: unroll }, () => each((i) => `a${i} = fma(a${i}, m, c);`)).join('\n  ');
  return `
struct Sizes { turns: u32, factor: f32, addend: f32, limit: f32 }
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<uniform> u: Sizes;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let m = ${type}(u.factor);
  let c = ${type}(u.addend);
  ${each((i) => `var a${i} = ${type}(f32(id.x + ${i}u) * 1e-6);`)}
  for (var turn = 0u; turn < u.turns; turn++) {
  ${turn}
  }
  let sum = ${Array.from({ length: chains }, (_, i) => `a${i}`).join(' + ')};
  // Never true, but that is for the adapter to find out.
  if (${type === 'f32' ? 'sum' : 'sum.x + sum.y + sum.z + sum.w'} > u.limit) { out[id.x] = 1.0; }
}`;
}

/**
 * GFLOP/s of a loop, a multiply-add counting 2. The least time of several runs, each so long that submitting it weighs
 * about a hundredth: whatever disturbs a run makes the rate smaller, never larger than the adapter's.
 */
export async function fmaRate(device: Device, loop: FmaLoop): Promise<number> {
  const invocations = device.profile.isSoftware ? 4096 : 2 ** 20;
  const kernel = await RawKernel.make(device, loop.wgsl, [invocations * 4]);
  const run = async (turns: number): Promise<number> => {
    const uniforms = new DataView(new ArrayBuffer(16));
    uniforms.setUint32(0, turns, true);
    [0.999, 0.001, 3e38].forEach((value, i) => uniforms.setFloat32(4 + 4 * i, value, true));
    return kernel.time(uniforms.buffer, invocations / loop.workgroupSize);
  };
  try {
    await run(8);
    let turns = 8;
    // Long enough for the clock, short enough for any watchdog.
    while ((await run(turns)) < 60 && turns < 2 ** 20) turns *= 2;
    const times: number[] = [];
    for (let round = 0; round < 5; round++) times.push(await run(turns));
    return (2 * invocations * loop.perTurn * turns) / (Math.min(...times) * 1e6);
  } finally {
    kernel.dispose();
  }
}
