/**
 * @typedef {object} CheckResult
 * @property {string} name
 * @property {'passed' | 'failed' | 'skipped'} state
 * @property {string} [reason] - Why it was skipped, or what failed.
 * @property {number} [count] - How many tests it stands for; 1 unless told.
 */

/** Adds up what a whole run found, each check or test counting as one. */
export class Tally {
  /** @type {CheckResult[]} */
  #results = [];

  /** @param {...CheckResult} results */
  add(...results) {
    this.#results.push(...results);
  }

  /** @param {CheckResult['state']} state */
  count(state) {
    return this.of(state).reduce((sum, { count = 1 }) => sum + count, 0);
  }

  /** @param {CheckResult['state']} state */
  of(state) {
    return this.#results.filter((result) => result.state === state);
  }

  /**
   * The summary: each reason for a skip once, with how many it took; each failure by name; last the line of numbers.
   *
   * @returns {string[]}
   */
  summary() {
    /** @type {Map<string, { names: string[], count: number }>} */
    const reasons = new Map();
    for (const { name, reason = 'no reason given', count = 1 } of this.of('skipped')) {
      const entry = reasons.get(reason) ?? { names: [], count: 0 };
      entry.names.push(name);
      entry.count += count;
      reasons.set(reason, entry);
    }
    const lines = [];
    if (reasons.size > 0) lines.push('Skipped:');
    for (const [reason, { names, count }] of reasons) {
      const more = names.length > 3 ? `, and ${names.length - 3} more` : '';
      lines.push(`  ${count} × ${reason}`, `      ${names.slice(0, 3).join(', ')}${more}`);
    }
    const failed = this.of('failed');
    if (failed.length > 0) lines.push('Failed:');
    for (const { name, reason } of failed) lines.push(`  ${name}${reason ? `: ${firstLine(reason)}` : ''}`);
    lines.push(this.line());
    return lines;
  }

  /** @returns {string} */
  line() {
    return `${this.count('passed')} passed, ${this.count('failed')} failed, ${this.count('skipped')} skipped`;
  }
}

/** @param {string} text */
function firstLine(text) {
  return text.trimStart().split('\n', 1)[0] ?? '';
}
