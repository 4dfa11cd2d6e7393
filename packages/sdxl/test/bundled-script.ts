import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

// Inside node_modules, which git ignores and from where the script finds what it imports.
const scratch = join(import.meta.dirname, '../../../node_modules/.cache');

/** Bundles a module beside this one from sources, to be run in a process of its own, in a folder that the caller removes. */
export async function bundledScript(name: string): Promise<{ readonly folder: string; readonly script: string }> {
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, `${name}-`));
  const script = join(folder, 'run.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['@huggingface/hub', 'webgpu'],
    conditions: ['pleinair-source'],
    outfile: script,
  });
  return { folder, script };
}
