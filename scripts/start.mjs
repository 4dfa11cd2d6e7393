// `npm start -- "PROMPT" [flags]`: whatever set-up is still missing, then `pleinair generate` on the bundled model.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { forgetAdapter } from './setup/adapter.mjs';
import { forwardSignals } from './setup/forward-signals.mjs';
import { prepare } from './setup/prepare.mjs';
import { SetupError, say } from './setup/say.mjs';
import { root } from './setup/workspace.mjs';

const args = process.argv.slice(2);
// Asking for help needs no adapter; nor does being told what is missing on the command line.
const asksForHelp = args.length === 0 || args.some((arg) => ['--help', '-h', '--version', '-V'].includes(arg));

try {
  await prepare({ adapter: !asksForHelp });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}

const cli = join(root, 'packages', 'cli', 'dist', 'bin.js');
// A relative --out or --model is meant from where the person stands; npm itself has moved to the root.
const child = spawn(process.execPath, [cli, 'generate', ...args], {
  stdio: 'inherit',
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
forwardSignals(child);
child.on('error', (error) => {
  say(`start: the command could not be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  // The adapter may be gone (a driver removed, another machine behind the same disk): ask again next time.
  if (code !== 0 && !signal) forgetAdapter();
  // Ended by us after a Ctrl-C it could not hear: cancelled, like any other.
  if (signal === 'SIGKILL') process.exit(130);
  else if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});
