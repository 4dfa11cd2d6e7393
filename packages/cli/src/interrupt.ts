import type { TerminalStream } from './terminal.js';

/**
 * Runs a command's work with a signal that the first Ctrl-C (or SIGTERM) fires, so that what was done so far can be kept and
 * told; a second one ends the process at once, with exit code 130.
 *
 * @param err - Where a person at a screen is told that the first one was heard.
 */
export async function interruptible<T>(err: TerminalStream, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const cancel = new AbortController();
  const onInterrupt = (): void => {
    // A second one means it.
    if (cancel.signal.aborted) process.exit(130);
    if (err.isTTY) err.write('\nstopping; once more stops at once\n');
    cancel.abort();
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  try {
    return await work(cancel.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}
