// `npm run bench -- [suite …] [--peers] [--json FILE]`: whatever set-up is still missing, then bench/main.ts, bundled
// from sources, so that what is measured is what lies in the checkout and no build is needed; but for palettize, which runs
// commands that find a package when they run.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { forwardSignals, RESULTS_PATIENCE_MS } from './setup/forward-signals.mjs';
import { prepare } from './setup/prepare.mjs';
import { SetupError, say } from './setup/say.mjs';
import { root } from './setup/workspace.mjs';

const args = process.argv.slice(2);
const outdir = join(root, '.cache', 'bench');

try {
  await prepare({ adapter: !args.includes('--help'), build: args[0] === 'palettize' && !args.includes('--help') });
  // Imported only now: set-up may just have installed it.
  const { build } = await import('esbuild');
  await build({
    // Palettes are fitted by workers, which are started from a file beside this one.
    entryPoints: {
      main: join(root, 'bench', 'main.ts'),
      'node-worker': join(root, 'packages', 'palettize', 'src', 'node-worker.js'),
    },
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['pleinair-source'],
    external: ['webgpu', 'onnxruntime-node'],
    sourcemap: 'inline',
    logLevel: 'warning',
    absWorkingDir: root,
    // Bundled CommonJS asks for Node's modules with `require`.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  });
} catch (error) {
  say(error instanceof SetupError ? error.message : String(error));
  process.exit(1);
}

const child = spawn(process.execPath, ['--enable-source-maps', join(outdir, 'main.js'), ...args], {
  stdio: 'inherit',
  cwd: root,
});
forwardSignals(child, { patienceMs: RESULTS_PATIENCE_MS });
child.on('error', (error) => {
  say(`bench: the measurement could not be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});
