import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';

/** A process of one of the scripts beside this file. */
export type Child = ChildProcessByStdio<null, Readable, Readable>;

/** How a process ended, and what it wrote. */
export interface ChildEnd {
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** Bundles one of the scripts beside this file into a folder, so that it runs by itself; gives its path there. */
export async function bundleChild(name: string, folder: string): Promise<string> {
  const outfile = join(folder, 'child.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, name)],
    bundle: true,
    outfile,
    platform: 'node',
    format: 'esm',
    conditions: ['pleinair-source'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  });
  return outfile;
}

/**
 * Runs such a script to its end.
 *
 * @param watch - May kill it; told of each thing it writes, with all that it wrote.
 */
export function runChild(
  script: string,
  args: readonly string[],
  watch?: (child: Child, out: string) => void,
): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    watch?.(child, out);
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      watch?.(child, out);
    });
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (_code, signal) => resolve({ signal, out, err }));
  });
}

/** Numbers in 0…1, the same for the same seed. */
export function shares(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
