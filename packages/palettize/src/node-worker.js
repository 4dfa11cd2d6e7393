// The body of a Node worker that clusters values. See workers/pool.ts for what it is sent and answers.
import { parentPort } from 'node:worker_threads';
import { answer } from './workers/answer.js';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- to the thread that started this one
parentPort?.on('message', (task) => parentPort?.postMessage(answer(task)));
