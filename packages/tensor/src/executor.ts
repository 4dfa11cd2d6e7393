import { validationError, type Device } from './device.js';
import { CancelledError, throwIfCancelled } from './errors.js';
import type { Pacer } from './pacer.js';
import type { Step } from './resources.js';

/** How a run is watched and stopped. */
export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Called as each slice ends. */
  readonly onSlice?: (progress: RunProgress) => void;
  /** Decides how much goes into one submission, and learns from it; the device's own by default. */
  readonly pacer?: Pacer;
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
  const { signal, onSlice, pacer = device.pacer } = options;
  const cancelled = onceAborted(signal, where);
  const orCancelled = <T>(work: Promise<T>): Promise<T> => Promise.race([work, cancelled.promise]);
  let next = 0;
  let ahead: Promise<void> | undefined; // the slice before the one just submitted
  try {
    while (next < steps.length) {
      throwIfCancelled(signal, where);
      device.check();
      const { count, workMs } = takeSlice(pacer, steps, next);
      const slice = steps.slice(next, next + count);
      next += count;
      const finish = submit(device, where, slice);
      if (ahead) await orCancelled(ahead);
      // From here the slice has the GPU to itself; the next one is submitted while it runs, so two are in flight.
      const started = performance.now();
      const restMs = pacer.sliceRestMs(workMs);
      if (restMs > 0) await orCancelled(new Promise<void>((resolve) => setTimeout(resolve, restMs)));
      const done = next;
      ahead = finish().then(() => {
        pacer.learn(workMs, performance.now() - started);
        onSlice?.({ done, total: steps.length });
      });
      ahead.catch(() => undefined);
    }
    if (ahead) await orCancelled(ahead);
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

function takeSlice(pacer: Pacer, steps: readonly Step[], from: number): { count: number; workMs: number } {
  const most = pacer.sliceWorkMs;
  let workMs = 0;
  let count = 0;
  while (from + count < steps.length) {
    const more = pacer.workMs(steps[from + count]!.dispatch);
    if (count > 0 && workMs + more > most) break;
    workMs += more;
    count++;
  }
  return { count, workMs };
}

/** Submits steps and returns a function that waits until they, and all submitted before its call, are done. */
function submit(device: Device, where: string, steps: readonly Step[]): () => Promise<void> {
  const { gpu } = device;
  gpu.pushErrorScope('validation');
  const encoder = gpu.createCommandEncoder({ label: where });
  const pass = encoder.beginComputePass({ label: where });
  encodeSteps(pass, steps);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  const scope = device.orLost(gpu.popErrorScope());
  scope.catch(() => undefined);
  return async () => {
    const [invalid] = await device.orLost(Promise.all([scope, gpu.queue.onSubmittedWorkDone()]));
    if (invalid) throw validationError(`${where} (${steps[0]!.label} to ${steps[steps.length - 1]!.label})`, invalid);
  };
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
