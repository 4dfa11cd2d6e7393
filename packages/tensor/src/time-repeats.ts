import { validationError, type Device } from './device.js';
import { encodeSteps } from './executor.js';
import type { Step } from './resources.js';

/** Options of {@link timeRepeats}. */
export interface TimeRepeatsOptions {
  /** How often the steps are run, one after another, in one submission. @defaultValue 1 */
  readonly repeats?: number;
  /**
   * What the submission will at least take in milliseconds, where that is known: the host sleeps through most of it,
   * because asking Dawn whether it is done takes a core that a software adapter needs for the work itself.
   */
  readonly atLeastMs?: number;
}

/**
 * Milliseconds from submitting steps until the GPU has done them, by the host's clock. It holds the fixed cost of a
 * submission; the difference between two numbers of repeats does not.
 *
 * Unlike a run this is one submission however long it takes: keep it below a second.
 *
 * @throws {@link DeviceError} `device/validation` {@link DeviceLostError}
 */
export async function timeRepeats(
  device: Device,
  where: string,
  steps: readonly Step[],
  { repeats = 1, atLeastMs = 0 }: TimeRepeatsOptions = {},
): Promise<number> {
  const { gpu } = device;
  device.check();
  gpu.pushErrorScope('validation');
  const encoder = gpu.createCommandEncoder({ label: where });
  const pass = encoder.beginComputePass({ label: where });
  for (let i = 0; i < repeats; i++) encodeSteps(pass, steps);
  pass.end();
  const commands = encoder.finish();
  const scope = device.orLost(gpu.popErrorScope());
  scope.catch(() => undefined);
  const started = performance.now();
  gpu.queue.submit([commands]);
  const restMs = device.pacer.restMs(atLeastMs);
  if (restMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, restMs));
  await device.orLost(gpu.queue.onSubmittedWorkDone());
  const ms = performance.now() - started;
  const invalid = await scope;
  if (invalid) throw validationError(where, invalid);
  return ms;
}
