import { validationError, type Device } from './device.js';
import { DeviceError } from './errors.js';
import { encodeSteps } from './executor.js';
import { bufferUsage, mapModeRead } from './gpu-flags.js';
import type { Step } from './resources.js';

/** What one dispatch took. */
export interface KernelTime {
  readonly op: string;
  readonly label: string;
  /** The kernel's name, e.g. `matmul/tiled`. */
  readonly kernel: string;
  readonly ms: number;
  readonly flops: number;
  readonly bytesMoved: number;
}

/** Dispatches timed in one submission: WebGPU allows 4096 queries a set, two a dispatch. */
const dispatchesPerSet = 512;

/**
 * Runs steps, each in a pass of its own between two time stamps. Browsers round time stamps (to 0.1 ms in Chrome), so
 * short kernels are only comparable in sums.
 *
 * @throws {@link DeviceError} `device/missing-feature`
 */
export async function timeSteps(device: Device, where: string, steps: readonly Step[]): Promise<KernelTime[]> {
  if (!device.profile.features.timestampQuery) {
    throw new DeviceError(
      'device/missing-feature',
      `${where}: expected an adapter with timestamp-query, got ${device.profile.name}. Time whole runs instead.`,
    );
  }
  const times: KernelTime[] = [];
  for (let from = 0; from < steps.length; from += dispatchesPerSet) {
    times.push(...(await timeSome(device, where, steps.slice(from, from + dispatchesPerSet))));
  }
  return times;
}

async function timeSome(device: Device, where: string, steps: readonly Step[]): Promise<KernelTime[]> {
  const { gpu } = device;
  const bytes = steps.length * 16;
  const resolved = await device.createBuffer('staging', bytes, bufferUsage.queryResolve | bufferUsage.copySrc, where);
  const staging = await device.createBuffer('staging', bytes, bufferUsage.mapRead | bufferUsage.copyDst, where);
  const querySet = gpu.createQuerySet({ type: 'timestamp', count: steps.length * 2, label: where });
  try {
    gpu.pushErrorScope('validation');
    const encoder = gpu.createCommandEncoder({ label: where });
    steps.forEach((step, i) => {
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
      const pass = encoder.beginComputePass({ label: step.label, timestampWrites });
      encodeSteps(pass, [step]);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, steps.length * 2, resolved.gpu, 0);
    encoder.copyBufferToBuffer(resolved.gpu, 0, staging.gpu, 0, bytes);
    gpu.queue.submit([encoder.finish()]);
    const invalid = await device.orLost(gpu.popErrorScope());
    if (invalid) throw validationError(where, invalid);
    await device.orLost(staging.gpu.mapAsync(mapModeRead));
    const stamps = new BigInt64Array(staging.gpu.getMappedRange());
    return steps.map(({ op, label, dispatch }, i) => ({
      op,
      label,
      kernel: dispatch.kernel.name,
      // Stamps may go backwards where an implementation disjoints them; that is no negative time.
      ms: Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6),
      flops: dispatch.flops,
      bytesMoved: dispatch.bytesMoved,
    }));
  } finally {
    querySet.destroy();
    staging.destroy();
    resolved.destroy();
  }
}
