// `npm run build`: whatever set-up is still missing, then the packages, Studio, the samples and the documentation, and what
// the sites weigh. Flags are turbo's (`npm run build -- --filter=pleinair-studio`).
import { availableParallelism } from 'node:os';
import { sourcesHash } from './setup/build.mjs';
import { prepare } from './setup/prepare.mjs';
import { binFile, runCommand } from './setup/run-command.mjs';
import { SetupError, say } from './setup/say.mjs';
import { root, writeNote } from './setup/workspace.mjs';

try {
  await prepare({ adapter: false, build: false });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}
const flags = process.argv.slice(2);
const hash = sourcesHash(root);
// turbo would run ten at once; each holds a TypeScript compiler of some 300 MB.
const concurrency = `--concurrency=${Math.min(4, availableParallelism())}`;
const { code } = await runCommand(
  process.execPath,
  [binFile('turbo'), 'run', 'build', '--output-logs=errors-only', concurrency, ...flags],
  {
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1' },
    show: true,
  },
);
if (code === 0) {
  // The other commands need not look again.
  if (flags.length === 0) writeNote('build', hash);
  await import('./site-sizes.mjs');
} else process.exitCode = code;
