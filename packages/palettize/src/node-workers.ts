import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { WorkerSolverOptions } from './web-workers.js';
import { workerPool, type WorkerPort, type WorkerReply } from './workers/pool.js';
import type { ClusterSolver } from './workers/solver.js';

/** Clusters on worker threads. Idle ones keep no process alive. Node only; in browsers `webWorkerSolver`. */
export function nodeWorkerSolver(options: WorkerSolverOptions = {}): ClusterSolver {
  return workerPool(startNodeWorker, options.workers ?? Math.min(availableParallelism(), 8));
}

function startNodeWorker(): WorkerPort {
  const worker = new Worker(new URL('./node-worker.js', import.meta.url));
  worker.unref();
  return {
    post(task) {
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a worker, not to a window
      worker.postMessage(task);
    },
    listen(onReply, onFailure) {
      worker.on('message', (reply: WorkerReply) => {
        worker.unref();
        onReply(reply);
      });
      worker.on('error', (error) => onFailure(error instanceof Error ? error.message : String(error)));
      worker.on('exit', (code) => onFailure(`exit code ${code}`));
    },
    terminate: async () => void (await worker.terminate()),
  };
}
