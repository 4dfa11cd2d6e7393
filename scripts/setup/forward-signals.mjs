import { isatty } from 'node:tty';

/**
 * How long a child may take over a Ctrl-C. While a software adapter compiles shaders the child's own handler cannot run; it
 * writes files beside their place and renames them, so ending it leaves nothing half-written.
 */
const PATIENCE_MS = 1500;

/** The same for a child that has results to keep and to tell; a second Ctrl-C cuts it down to {@link PATIENCE_MS}. */
export const RESULTS_PATIENCE_MS = 15_000;

/** One Ctrl-C may reach us twice within moments: from the terminal and from npm, which passes it on as well. */
const ECHO_MS = 1000;

/**
 * Sees to it that a child gets each signal exactly once. At a terminal, Ctrl-C goes to every process of the foreground
 * group, so the child has it already; passing it on too would look like a second, impatient Ctrl-C.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {{ atTerminal?: boolean, patienceMs?: number }} [options]
 */
export function forwardSignals(child, options = {}) {
  const { atTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor)), patienceMs = PATIENCE_MS } = options;
  let last = -Infinity;
  /** @type {NodeJS.Timeout | undefined} */
  let impatient;
  process.on('SIGINT', () => {
    const now = performance.now();
    const echo = now - last < ECHO_MS;
    last = now;
    if (!atTerminal && !echo) child.kill('SIGINT');
    if (impatient && (echo || patienceMs <= PATIENCE_MS)) return;
    const patience = impatient ? PATIENCE_MS : patienceMs;
    clearTimeout(impatient);
    impatient = setTimeout(() => child.kill('SIGKILL'), patience);
    impatient.unref();
  });
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  child.on('exit', () => {
    clearTimeout(impatient);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  });
}
