import { validationError, type Device } from './device.js';
import { CancelledError, throwIfCancelled } from './errors.js';
import type { Step } from './resources.js';

/** Slices submitted and not yet done: enough that the GPU never waits for the host, few enough to cancel quickly. */
const slicesInFlight = 2;

/** How a run is watched and stopped. */
export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Called as each slice ends. */
  readonly onSlice?: (progress: RunProgress) => void;
}

/** How far a run is, in dispatches. */
export interface RunProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * Runs steps in order, in submissions of a bounded expected time, and resolves when the GPU has done them all. Returns
 * the number of dispatches. A fired signal rejects at once; what was submitted runs out on the GPU behind it, in order
 * before anything submitted later.
 *
 * @throws {@link CancelledError} {@link DeviceLostError}
 * @throws {@link DeviceError} `device/validation`
 */
export async function runSteps(
  device: Device,
  where: string,
  steps: readonly Step[],
  options: RunOptions = {},
): Promise<number> {
  const { signal, onSlice } = options;
  const cancelled = onceAborted(signal, where);
  const flying: Promise<void>[] = [];
  let lastDone = performance.now();
  let next = 0;
  try {
    while (next < steps.length) {
      throwIfCancelled(signal, where);
      device.check();
      const slice = takeSlice(device, steps, next);
      next += slice.count;
      const started = performance.now();
      const done = next;
      const work = submit(device, where, steps.slice(next - slice.count, next)).then(() => {
        const now = performance.now();
        // A slice queued behind another starts when that one ends.
        device.pacer.learn(slice.expectedMs, now - Math.max(started, lastDone));
        lastDone = now;
        onSlice?.({ done, total: steps.length });
      });
      work.catch(() => undefined);
      flying.push(work);
      if (flying.length >= slicesInFlight) await Promise.race([flying.shift()!, cancelled.promise]);
    }
    await Promise.race([Promise.all(flying), cancelled.promise]);
    return steps.length;
  } finally {
    cancelled.release();
  }
}

/** Encodes steps into an open pass. */
export function encodeSteps(pass: GPUComputePassEncoder, steps: readonly Step[]): void {
  for (const { pipeline, bindGroup, dispatch } of steps) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...dispatch.workgroups);
  }
}

function takeSlice(device: Device, steps: readonly Step[], from: number): { count: number; expectedMs: number } {
  let expectedMs = 0;
  let count = 0;
  while (from + count < steps.length) {
    const ms = device.pacer.expectedMs(steps[from + count]!.dispatch);
    if (count > 0 && expectedMs + ms > device.pacer.targetMs) break;
    expectedMs += ms;
    count++;
  }
  return { count, expectedMs };
}

async function submit(device: Device, where: string, steps: readonly Step[]): Promise<void> {
  const { gpu } = device;
  gpu.pushErrorScope('validation');
  const encoder = gpu.createCommandEncoder({ label: where });
  const pass = encoder.beginComputePass({ label: where });
  encodeSteps(pass, steps);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  const scope = gpu.popErrorScope();
  const [invalid] = await device.orLost(Promise.all([scope, gpu.queue.onSubmittedWorkDone()]));
  if (invalid) throw validationError(`${where} (${steps[0]!.label} to ${steps[steps.length - 1]!.label})`, invalid);
}

/** A promise that rejects when the signal fires, and a way to stop listening. */
function onceAborted(signal: AbortSignal | undefined, where: string): { promise: Promise<never>; release(): void } {
  let release = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    if (!signal) return;
    const onAbort = (): void => reject(new CancelledError(where));
    signal.addEventListener('abort', onAbort, { once: true });
    release = () => signal.removeEventListener('abort', onAbort);
  });
  promise.catch(() => undefined);
  return { promise, release: () => release() };
}
