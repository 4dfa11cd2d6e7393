// `pleinair` as samples in Node get it.
import { load as loadAnew } from 'pleinair';
import { testDevice } from '@pleinair/testing';

export * from 'pleinair';

/** `load` on the device that all tests share, with the kernels it has compiled, and without timing any. */
export const load: typeof loadAnew = async (model, options) => {
  const device = options?.adapter === undefined ? await testDevice() : undefined;
  return loadAnew(model, { tune: 'off', device, ...options });
};
