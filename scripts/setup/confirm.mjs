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
 * Asks a yes-or-no question on stderr. Anything but "y" or "yes" is no.
 *
 * @param {string} question
 * @returns {Promise<boolean>}
 */
export async function confirm(question) {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
