import { createInterface } from 'node:readline/promises';

/**
 * Whether a person is at the terminal, able to see a question on stderr and to answer it.
 *
 * @returns {boolean}
 */
export function isInteractive() {
  return process.stdin.isTTY && process.stderr.isTTY && !process.env.CI;
}

/**
 * Asks a yes-or-no question on stderr. Anything but "y" or "yes" is no, the end of input (Ctrl-D) too; Ctrl-C ends the
 * whole program, as it would anywhere else.
 *
 * @param {string} question
 * @returns {Promise<boolean>}
 */
export async function confirm(question) {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.on('SIGINT', () => {
    process.stderr.write('\n');
    process.exit(130);
  });
  /** @type {Promise<string>} */
  const end = new Promise((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `), end]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
