import { CancelledError } from '@pleinair/tensor';
import { WeightError } from '../errors.js';
import type { DownloadProgress } from '../hub/download-meter.js';
import { HubError } from '../hub/hub-error.js';
import type { DownloadTask } from './download-task.js';
import type { WorkerAnswer, WorkerRequest } from './worker-protocol.js';

/** Runs a download in a worker of its own, which ends with it. */
export function downloadInWorker(
  task: DownloadTask,
  report: ((progress: DownloadProgress) => void) | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new CancelledError(task.name));
      return;
    }
    const worker = new Worker(new URL('./download-worker.js', import.meta.url), { type: 'module' });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a worker, not to a window
    const send = (request: WorkerRequest): void => worker.postMessage(request);
    // The worker closes its files and says so; only then may another one open them.
    const stop = (): void => send({ kind: 'stop' });
    const end = (settle: () => void): void => {
      signal?.removeEventListener('abort', stop);
      worker.terminate();
      settle();
    };
    worker.addEventListener('message', ({ data }: MessageEvent<WorkerAnswer>) => {
      if (data.kind === 'progress') report?.(data.progress);
      else if (data.kind === 'done') end(resolve);
      else end(() => reject(errorOf(data, task.name, signal)));
    });
    worker.addEventListener('error', (event) => {
      const reason = event.message || 'it could not be loaded';
      end(() =>
        reject(
          new HubError(
            'hub/storage',
            `${task.name}: expected a worker to download it, got: ${reason}. Serve this package's download-worker.js beside it, ` +
              "and allow it in the page's content security policy (worker-src).",
          ),
        ),
      );
    });
    signal?.addEventListener('abort', stop, { once: true });
    send({ kind: 'start', task });
  });
}

/** The error as it was thrown over there: messages carry no classes. */
function errorOf(
  { code, message }: Extract<WorkerAnswer, { kind: 'failed' }>,
  name: string,
  signal: AbortSignal | undefined,
): Error {
  if (code === 'cancelled' || signal?.aborted) return new CancelledError(name);
  if (code?.startsWith('hub/')) return new HubError(code, message);
  if (code !== undefined) return new WeightError(code, message);
  return new HubError('hub/storage', `${name}: expected to download it, got: ${message}. Start it again: it goes on.`);
}
