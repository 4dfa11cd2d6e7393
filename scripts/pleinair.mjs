// `npm run pleinair -- COMMAND …`: whatever set-up is still missing, then that command of the command line, e.g. `doctor`
// or `plan sdxl-base`. Neither needs an adapter to say something useful, so none is asked for here.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { forwardSignals, RESULTS_PATIENCE_MS } from './setup/forward-signals.mjs';
import { prepare } from './setup/prepare.mjs';
import { SetupError, say } from './setup/say.mjs';
import { root } from './setup/workspace.mjs';

try {
  await prepare({ adapter: false });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}
const cli = join(root, 'packages', 'cli', 'dist', 'bin.js');
const child = spawn(process.execPath, [cli, ...process.argv.slice(2)], {
  stdio: 'inherit',
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
const hasResults = ['bench', 'tune'].includes(process.argv[2] ?? '');
forwardSignals(child, hasResults ? { patienceMs: RESULTS_PATIENCE_MS } : {});
child.on('exit', (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)));
