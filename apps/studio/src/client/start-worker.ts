/** The engine's worker: all of the engine is loaded there, and nothing of it by the page. */
export function startWorker(): Worker {
  return new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module', name: 'pleinair studio' });
}
