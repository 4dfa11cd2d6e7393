// `npm run dev`: whatever set-up is still missing, then Studio on a local address, from sources.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { forwardSignals } from './setup/forward-signals.mjs';
import { prepare } from './setup/prepare.mjs';
import { binFile } from './setup/run-command.mjs';
import { SetupError, say } from './setup/say.mjs';
import { root } from './setup/workspace.mjs';

try {
  await prepare({ adapter: false, build: false });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}
const child = spawn(process.execPath, [binFile('vite'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  cwd: join(root, 'apps', 'studio'),
});
forwardSignals(child);
child.on('exit', (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)));
