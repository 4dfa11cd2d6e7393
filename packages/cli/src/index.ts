export { run } from './program.js';
export { exitCodeOf } from './exit-code.js';
export type { Terminal } from './terminal.js';
