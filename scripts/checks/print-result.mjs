import { say } from '../setup/say.mjs';

const MARKS = Object.freeze({ passed: '✓', failed: '✗', skipped: '↓' });

/**
 * One line a check; what a failed one said follows, indented.
 *
 * @param {import('./tally.mjs').CheckResult} result
 */
export function printResult({ name, state, reason }) {
  say(` ${MARKS[state]} ${name}${state === 'skipped' ? ` (skipped: ${reason})` : ''}`);
  if (state === 'failed' && reason)
    say(
      ...reason
        .trimEnd()
        .split('\n')
        .map((line) => `     ${line}`),
    );
}
