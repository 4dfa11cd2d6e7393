// `npm run docs`: whatever set-up is still missing, then the documentation site on a local address.
// `npm run docs -- build` builds it into docs/.vitepress/dist.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { forwardSignals } from './setup/forward-signals.mjs';
import { prepare } from './setup/prepare.mjs';
import { binFile, runCommand } from './setup/run-command.mjs';
import { SetupError, say } from './setup/say.mjs';
import { root } from './setup/workspace.mjs';

const folder = join(root, 'docs');
const args = process.argv.slice(2);
try {
  await prepare({ adapter: false });
  const pages = await runCommand(process.execPath, [join(folder, 'scripts', 'prepare-pages.mjs')], { cwd: folder });
  if (pages.code !== 0) throw new SetupError('docs: its pages could not be prepared:', pages.output.trimEnd());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}
const child = spawn(process.execPath, [binFile('vitepress'), ...(args.length > 0 ? args : ['dev'])], {
  stdio: 'inherit',
  cwd: folder,
});
forwardSignals(child);
child.on('exit', (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)));
