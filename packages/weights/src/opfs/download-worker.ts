// The body of a web worker that downloads one model. See worker-protocol.ts for what it is sent and answers.
import { isPleinairError } from '@pleinair/tensor';
import { runDownload, type DownloadTask } from './download-task.js';
import type { WorkerAnswer, WorkerRequest } from './worker-protocol.js';

const cancel = new AbortController();

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- to the page, from its worker
const answer = (message: WorkerAnswer): void => postMessage(message);

addEventListener('message', ({ data }: MessageEvent<WorkerRequest>) => {
  if (data.kind === 'stop') cancel.abort();
  else void run(data.task);
});

async function run(task: DownloadTask): Promise<void> {
  try {
    await runDownload(task, (progress) => answer({ kind: 'progress', progress }), cancel.signal);
    answer({ kind: 'done' });
  } catch (error) {
    const code = isPleinairError(error) ? error.code : undefined;
    answer({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
}
