/**
 * Prints lines of set-up. Always on stderr: stdout belongs to the command, whose last line may be JSON.
 *
 * @param {...string} lines
 */
export function say(...lines) {
  for (const line of lines) process.stderr.write(`${line}\n`);
}

/**
 * Says what takes a while, does it, and says how long it took.
 *
 * @template T
 * @param {string} what - A phrase such as "Building the packages".
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const start = performance.now();
  say(`• ${what} …`);
  const result = await work();
  say(`  done in ${seconds(performance.now() - start)}`);
  return result;
}

/**
 * @param {number} milliseconds
 * @returns {string} For example "3.4 s" or "2 min 5 s".
 */
export function seconds(milliseconds) {
  const total = milliseconds / 1000;
  if (total < 60) return `${total.toFixed(1)} s`;
  const rounded = Math.round(total);
  return `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
}

/** A failure whose message is all a person needs: printed without a stack. */
export class SetupError extends Error {
  /** @param {...string} lines */
  constructor(...lines) {
    super(lines.join('\n'));
    this.name = 'SetupError';
  }
}
