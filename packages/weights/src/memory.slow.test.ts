import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toHalfBits } from '@pleinair/tensor';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portOf } from '../test/file-server.js';

// Inside node_modules, which git ignores and from where the script finds what it imports.
const scratch = join(import.meta.dirname, '../../../node_modules/.cache');
const limit = 128_000_000;
const bytesOf = { F32: 4, F16: 2, BF16: 2 };

interface Tensor {
  readonly name: string;
  readonly dtype: keyof typeof bytesOf;
  readonly shape: readonly number[];
}

/** SDXL-sized tensors with odd ones between, until there are `total` bytes. */
function checkpoint(total: number): Tensor[] {
  const shapes = [[1280, 1280], [1280], [10240, 1280], [3], [1280, 2560, 3, 3], [2048, 640], [7, 5], [320, 4, 3, 3]];
  const tensors: Tensor[] = [{ name: 'one_of_250_MB', dtype: 'F16', shape: [62_500, 2000] }];
  const dtypes = ['F16', 'F32', 'F16', 'BF16'] as const;
  for (let bytes = 250_000_000; bytes < total;) {
    const i = tensors.length;
    const shape = shapes[i % shapes.length]!;
    const dtype = dtypes[Math.floor(i / shapes.length) % dtypes.length]!;
    tensors.push({ name: `t${i}`, dtype, shape });
    bytes += count(shape) * bytesOf[dtype];
  }
  return tensors;
}

const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/**
 * Writes a checkpoint that is zero but for stripes of seeded values in every tensor, so that the file system stores
 * little. Returns each tensor's sum of half bits × (1 + offset in its padded weight mod 997).
 */
async function writeSparse(path: string, tensors: readonly Tensor[]): Promise<Record<string, number>> {
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const { name, dtype, shape } of tensors) {
    const bytes = count(shape) * bytesOf[dtype];
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  start.writeBigUInt64LE(BigInt(start.length - 8));
  json.copy(start, 8);
  const file = await open(path, 'w');
  await file.truncate(start.length + offset);
  await file.write(start, 0, start.length, 0);

  const sums: Record<string, number> = {};
  let seed = 1;
  let at = start.length;
  for (const { name, dtype, shape } of tensors) {
    const elements = count(shape);
    const width = shape.length > 1 ? elements / shape[0]! : elements;
    const stride = Math.ceil(width / 4) * 4;
    const length = Math.min(elements, 1000);
    const values = Float32Array.from({ length }, () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return ((seed >>> 24) - 128) / 256; // exact in every dtype
    });
    const raw =
      dtype === 'F32'
        ? values
        : dtype === 'F16'
          ? Uint16Array.from(values, toHalfBits)
          : Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16);
    // One stripe where there is room for no more, else at the start, at a third and at the end.
    const places = elements <= 3000 ? [0] : [0, Math.floor(elements / 3), elements - length];
    let sum = 0;
    for (const first of places) {
      await file.write(new Uint8Array(raw.buffer), 0, raw.byteLength, at + first * bytesOf[dtype]);
      for (const [i, value] of values.entries()) {
        const index = first + i;
        const padded = Math.floor(index / width) * stride + (index % width);
        sum += toHalfBits(value) * (1 + (padded % 997));
      }
    }
    sums[name] = sum;
    at += elements * bytesOf[dtype];
  }
  await file.close();
  return sums;
}

describe('a checkpoint of 4 GB, one tensor of 250 MB among others', () => {
  let folder: string;
  let script: string;
  let sums: Record<string, number>;
  const tensors = checkpoint(4_000_000_000);
  const total = tensors.reduce((sum, { dtype, shape }) => sum + count(shape) * bytesOf[dtype], 0);

  beforeAll(async () => {
    await mkdir(scratch, { recursive: true });
    folder = await mkdtemp(join(scratch, 'weights-memory-'));
    script = join(folder, 'stream-checkpoint.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, '../test/stream-checkpoint.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['@huggingface/hub'],
      conditions: ['pleinair-source'],
      outfile: script,
    });
    await mkdir(join(folder, 'unet'));
    sums = await writeSparse(join(folder, 'unet', 'model.fp16.safetensors'), tensors);
    await writeFile(join(folder, 'tensors.json'), JSON.stringify(tensors));
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function stream(place: string) {
    const { stdout } = await promisify(execFile)(process.execPath, [script, place, join(folder, 'tensors.json')]);
    const result: {
      loadedBytes: number;
      leftover: string[];
      rise: number;
      seconds: number;
      sums: Record<string, number>;
    } = JSON.parse(stdout);
    console.log(
      `${place.startsWith('http') ? 'HTTP' : 'folder'}: ${(result.loadedBytes / 1e9).toFixed(2)} GB in ` +
        `${result.seconds.toFixed(2)} s (${(result.loadedBytes / 1e9 / result.seconds).toFixed(2)} GB/s), ` +
        `memory +${(result.rise / 1e6).toFixed(1)} MB`,
    );
    return result;
  }

  it('streams from a folder within 128 MB of host memory', async () => {
    const result = await stream(folder);
    expect(result.loadedBytes).toBe(total);
    expect(result.leftover).toEqual([]);
    expect(result.sums).toEqual(sums);
    expect(result.rise).toBeLessThan(limit);
    expect(result.rise).toBeGreaterThan(0);
  }, 300_000);

  it.each([{ ranges: true }, { ranges: false }])(
    'streams over HTTP within 128 MB of host memory, ranges: $ranges',
    async ({ ranges }) => {
      const server = createServer((request, response) => {
        const path = join(folder, decodeURIComponent(request.url!));
        if (!path.endsWith('/unet/model.fp16.safetensors')) {
          response.writeHead(404).end();
          return;
        }
        void open(path).then(async (file) => {
          const { size } = await file.stat();
          await file.close();
          const range = /bytes=(\d+)-(\d*)/.exec((ranges && request.headers.range) || '');
          const [start, end] = range ? [Number(range[1]), Number(range[2] || size - 1)] : [0, size - 1];
          response.writeHead(range ? 206 : 200, {
            'Content-Length': end - start + 1,
            ...(range ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}),
          });
          const body = createReadStream(path, { start, end, highWaterMark: 1 << 20 });
          response.on('close', () => body.destroy());
          body.pipe(response);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const result = await stream(`http://127.0.0.1:${portOf(server)}`);
        expect(result.loadedBytes).toBe(total);
        expect(result.sums).toEqual(sums);
        expect(result.rise).toBeLessThan(limit);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
    300_000,
  );
});
