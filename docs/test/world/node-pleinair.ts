// `pleinair` as samples in Node get it.
import { load as loadAnew, type Painter } from 'pleinair';
import { testDevice } from '@pleinair/testing';

export * from 'pleinair';

const loaded = Symbol.for('pleinair.samples.loaded');
const holder = globalThis as { [loaded]?: Set<Painter> };

/** `load` on the device that all tests share, with the kernels it has compiled, and without timing any. */
export const load: typeof loadAnew = async (model, options) => {
  const device = options?.adapter === undefined ? await testDevice() : undefined;
  const painter = await loadAnew(model, { tune: 'off', device, ...options });
  (holder[loaded] ??= new Set()).add(painter);
  return painter;
};

/** Frees what samples have loaded, as the end of their process would: other tests count what the device holds. */
export function disposeLoaded(): void {
  for (const painter of holder[loaded] ?? []) painter.dispose();
  holder[loaded]?.clear();
}
