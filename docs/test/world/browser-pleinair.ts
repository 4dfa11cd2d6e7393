// `pleinair` as samples in a page get it.
import { requestDevice, type Device } from '@pleinair/tensor';
import { load as loadAnew } from 'pleinair';

export * from 'pleinair';

const shared = Symbol.for('pleinair.samples.device');

/** `load` on the device that all samples of a page or worker share, with the kernels it has compiled, and without timing any. */
export const load: typeof loadAnew = async (model, options) => {
  const holder = globalThis as { [shared]?: Promise<Device> };
  const device = await (holder[shared] ??= requestDevice());
  return loadAnew(model, { tune: 'off', device, ...options });
};
