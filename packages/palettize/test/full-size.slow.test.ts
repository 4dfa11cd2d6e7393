import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Inside node_modules, which git ignores and from where the script finds what it imports.
const scratch = join(import.meta.dirname, '../../../node_modules/.cache');
const names = join(import.meta.dirname, '../../testing/goldens/sdxl-base-names.json');

interface Report {
  readonly tensors: number;
  readonly weights: number;
  readonly averageBits: number;
  readonly fitSeconds: number;
  readonly seconds: number;
  /** Of all threads together. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

let folder: string;
let script: string;

beforeAll(async () => {
  await mkdir(scratch, { recursive: true });
  folder = await mkdtemp(join(scratch, 'palettize-full-size-'));
  script = join(folder, 'run.js');
  await build({
    entryPoints: {
      run: join(import.meta.dirname, 'full-size-run.ts'),
      'node-worker': join(import.meta.dirname, '../src/node-worker.js'),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['@huggingface/hub'],
    conditions: ['pleinair-source'],
    outdir: folder,
  });
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function palettize(bits: number, { group = 0, workers = 2, every = 1 }) {
  const out = join(folder, 'out.safetensors');
  const values = [bits, group, workers, every].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, [script, names, out, ...values]);
  const report = JSON.parse(stdout) as Report;
  const { size } = await stat(out);
  await rm(out);
  const share = every === 1 ? 'all' : `1 tensor in ${every}`;
  console.log(
    `${bits} bits, groups of ${group || 'all'}, ${workers} workers, ${share} of the UNet: ${report.tensors} tensors, ` +
      `${(report.weights / 1e6).toFixed(1)} M weights, ${report.averageBits.toFixed(4)} bits a weight; ` +
      `${report.fitSeconds.toFixed(1)} s palettes, ${report.seconds.toFixed(1)} s in all, ` +
      `${report.cpuSeconds.toFixed(1)} s of processor time, ` +
      `${((1e6 * report.seconds) / report.weights).toFixed(4)} s a million; ` +
      `peak ${(report.peakBytes / 1e6).toFixed(0)} MB of memory; ${(size / 1e9).toFixed(3)} GB written`,
  );
  return { ...report, size };
}

describe('a synthetic UNet of SDXL base', () => {
  it('takes 1.28 GB at 4 bits, made in less than 1 GB of memory', async () => {
    const { size, tensors, peakBytes, averageBits } = await palettize(4, {});
    expect(tensors).toBe(792);
    expect(averageBits).toBeLessThan(4.001);
    expect(Math.abs(size / 1.28e9 - 1)).toBeLessThan(0.01);
    expect(peakBytes).toBeLessThan(1e9);
  });

  it.each([1, 2, 3, 6, 8])('takes its width a weight at %i bits', async (bits) => {
    const { size, weights, averageBits, peakBytes } = await palettize(bits, { every: 16 });
    // Beside the candidates' bits: conv_in, and the header.
    expect(size).toBeGreaterThan((weights * averageBits) / 8);
    expect(size).toBeLessThan((weights * averageBits) / 8 + 100_000);
    expect(peakBytes).toBeLessThan(1e9);
  });

  it('takes groups', async () => {
    const { averageBits, peakBytes } = await palettize(4, { every: 16, group: 64 });
    expect(averageBits).toBeGreaterThan(4.001);
    expect(peakBytes).toBeLessThan(1e9);
  });
});
