import { workerPool, type WorkerPort, type WorkerReply } from './workers/pool.js';
import type { ClusterSolver } from './workers/solver.js';

/** Options of {@link webWorkerSolver} and `nodeWorkerSolver`. */
export interface WorkerSolverOptions {
  /** How many workers at most. Default: one a core, but no more than 8. */
  readonly workers?: number;
}

/**
 * Clusters on web workers. Bundlers that know `new Worker(new URL(…))` (Vite, webpack, Parcel) carry the worker along;
 * for others, serve this package's `dist/web-worker.js` beside its `dist/index.js`.
 */
export function webWorkerSolver(options: WorkerSolverOptions = {}): ClusterSolver {
  return workerPool(startWebWorker, options.workers ?? Math.min(navigator.hardwareConcurrency || 2, 8));
}

function startWebWorker(): WorkerPort {
  const worker = new Worker(new URL('./web-worker.js', import.meta.url), { type: 'module' });
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a worker, not to a window
    post: (task) => worker.postMessage(task),
    listen(onReply, onFailure) {
      worker.addEventListener('message', ({ data }: MessageEvent<WorkerReply>) => onReply(data));
      worker.addEventListener('error', (event) => onFailure(event.message || 'the worker could not be loaded'));
    },
    terminate() {
      worker.terminate();
      return Promise.resolve();
    },
  };
}
