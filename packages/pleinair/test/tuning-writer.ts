import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { TuningAdapter } from '@pleinair/kernels';

/** A process that writes tuning records one after another. */
export interface TuningWriter {
  /** Settles once it has written so many. */
  wrote(count: number): Promise<void>;
  /** Settles when it has ended by itself; rejects when it failed. */
  done(): Promise<void>;
  /** Kills it wherever it is. */
  kill(): Promise<void>;
}

/** Starts a process that saves `count` records, one a call, under keys that begin with `prefix`. */
export async function startWriter(
  folder: string,
  adapter: TuningAdapter,
  prefix: string,
  count: number,
): Promise<TuningWriter> {
  const place = await mkdtemp(join(tmpdir(), 'pleinair-writer-'));
  const program = join(place, 'writer.mjs');
  const source = JSON.stringify(fileURLToPath(new URL('../src/node.ts', import.meta.url)));
  await build({
    stdin: {
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      contents: `
import { DiskTuningStore } from ${source};
const [folder, adapter, prefix, count] = JSON.parse(process.argv[2]);
for (let i = 0; i < count; i++) {
  const shape = prefix + ' ' + i;
  const record = { shape, basis: 'k', kernels: {}, times: {}, extent: 'none', at: i };
  await new DiskTuningStore(folder).save(adapter, new Map([[shape, record]]));
  process.stdout.write('.');
}`,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['pleinair-source'],
    external: ['webgpu'],
    outfile: program,
  });
  const child = spawn(process.execPath, [program, JSON.stringify([folder, adapter, prefix, count])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = 0;
  let errors = '';
  const waiting = new Set<() => void>();
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    written += chunk.length;
    for (const look of waiting) look();
  });
  const cleared = ended.then(async (code) => {
    await rm(place, { recursive: true, force: true });
    return code;
  });
  return {
    wrote: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => void (written >= wanted && resolve());
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`the writer ended after ${written} records: ${errors}`)));
      }),
    async done() {
      const code = await cleared;
      if (code !== 0) throw new Error(`the writer ended with ${code}: ${errors}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await cleared;
    },
  };
}
