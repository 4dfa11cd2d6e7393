import { isatty } from 'node:tty';

/** One Ctrl-C may reach us twice within moments: from the terminal and from npm, which passes it on as well. */
const ECHO_MS = 1000;

/**
 * Sees to it that a child gets each signal exactly once. At a terminal, Ctrl-C goes to every process of the foreground
 * group, so the child has it already; passing it on too would look like a second, impatient Ctrl-C.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {boolean} [atTerminal]
 */
export function forwardSignals(child, atTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor))) {
  let last = -Infinity;
  process.on('SIGINT', () => {
    const now = performance.now();
    const echo = now - last < ECHO_MS;
    last = now;
    if (!atTerminal && !echo) child.kill('SIGINT');
  });
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  child.on('exit', () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  });
}
