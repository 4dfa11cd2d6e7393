export { nodeWorkerSolver } from './node-workers.js';
