// The body of a web worker that clusters values. See workers/pool.ts for what it is sent and answers.
import { answer } from './workers/answer.js';

addEventListener('message', ({ data }) => postMessage(answer(data)));
