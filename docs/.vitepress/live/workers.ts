/** Loaded when a visitor asks for it, with all it imports: the pages themselves carry nothing of the engine. */
export function startPainter(): Worker {
  return new Worker(new URL('./painter-worker.ts', import.meta.url), { type: 'module', name: 'pleinair painter' });
}

/** The same for measuring. */
export function startMeasurer(): Worker {
  return new Worker(new URL('./measure-worker.ts', import.meta.url), { type: 'module', name: 'pleinair bench' });
}
