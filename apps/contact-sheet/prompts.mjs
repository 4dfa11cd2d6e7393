/**
 * @param {string} text - A prompt a line.
 * @returns {string[]} Without empty lines and those that begin with `#`.
 */
export function readPrompts(text) {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
