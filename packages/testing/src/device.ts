import { requestDevice, type Device, type DeviceOptions } from '@pleinair/tensor';

const shared = Symbol.for('pleinair.testing.device');

/**
 * The device all GPU tests of a worker share: making one costs little, but its pipelines are worth keeping. Vitest gives
 * each test file its own modules, so it hangs on `globalThis`. Tests that lose or destroy a device take `freshDevice`.
 */
export function testDevice(): Promise<Device> {
  const holder = globalThis as { [shared]?: Promise<Device> };
  return (holder[shared] ??= freshDevice());
}

/** A device of one's own; destroy it when done. */
export function freshDevice(options: DeviceOptions = {}): Promise<Device> {
  return requestDevice(options);
}
