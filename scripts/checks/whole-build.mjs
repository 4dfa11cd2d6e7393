import { say } from '../setup/say.mjs';
import { runNpm } from '../setup/run-command.mjs';

/**
 * `npm run build`: the packages, Studio, the samples, the documentation, and what the sites weigh, which is printed. Tests of
 * built sites use what it leaves. It fails where Studio's first load is too much.
 *
 * @returns {Promise<import('./tally.mjs').CheckResult>}
 */
export async function checkWholeBuild() {
  const name = 'the whole build (npm run build)';
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1' };
  const { code, stdout, output } = await runNpm(['run', '--silent', 'build'], { env });
  if (code !== 0) return { name, state: 'failed', reason: output };
  // What comes after turbo's own summary.
  const report = stdout.slice(stdout.lastIndexOf('Time:')).split('\n').slice(1);
  say(...report.filter((line) => line.trim() !== '').map((line) => `     ${line}`));
  return { name, state: 'passed' };
}
