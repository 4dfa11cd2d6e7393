import { CancelledError, plainRows } from '@pleinair/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileServer } from '../test/file-server.js';
import { failureOf, floats, safetensorsFile } from '../test/fixtures.js';
import { CollectedWeights, weightsOf } from '../test/gpu-stand-in.js';
import { openComponent } from './component.js';
import { MissingPartError, WeightError } from './errors.js';
import { httpSource, type HttpSourceOptions } from './http-source.js';
import { loadWeights } from './load.js';
import type { ModelSource } from './source.js';

const data = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) ^ (i >> 8));
const checkpoint = [floats('a', [200, 48]), floats('b', [7]), floats('c', [300, 40])];

function cancelAfter(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

let server: FileServer;
let address: string;

beforeEach(async () => {
  server = new FileServer(
    new Map<string, Uint8Array>([
      ['data.bin', data],
      ['unet/odd name%20#?.json', new TextEncoder().encode('{"ä":1}')],
      ['empty.txt', new Uint8Array(0)],
      ['unet/diffusion_pytorch_model.safetensors', await safetensorsFile(checkpoint)],
    ]),
  );
  address = await server.start();
});
afterEach(() => server.stop());

const source = (options: HttpSourceOptions = {}) => httpSource(address, { retryDelayMs: 1, ...options });
const bytes = (from: number, to: number) => data.slice(from, to);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof WeightError ? error.code : String(error)),
  );

async function loadAll(options: HttpSourceOptions = {}) {
  const gpu = new CollectedWeights();
  const weights = weightsOf(checkpoint.map(({ name, shape }) => [name, shape, plainRows, 'f32']));
  const component = await openComponent(source(options), 'unet');
  await loadWeights(weights, component, { upload: gpu.upload, bandBytes: 10_000 });
  return weights.map((weight) =>
    [...gpu.buffers.get(weight)!].slice(
      0,
      weight.source.shape.reduce((a, b) => a * b, 1),
    ),
  );
}
const expected = checkpoint.map(({ data: values }) => [...values]);

describe('a server with ranges', () => {
  it('is read by ranges, into memory that is given', async () => {
    const s = source();
    expect(await s.size('data.bin')).toBe(300_000);
    expect(await s.readRange('data.bin', 1000, 1500)).toEqual(bytes(1000, 1500));
    const into = new Uint8Array(1000);
    const got = await s.readRange('data.bin', 299_999, 300_000, { into });
    expect(got.buffer).toBe(into.buffer);
    expect([...got]).toEqual([...bytes(299_999, 300_000)]);
    expect(await s.readRange('data.bin', 5, 5)).toHaveLength(0);
    expect(server.log).toEqual([
      'GET data.bin bytes=0-0',
      'GET data.bin bytes=1000-1499',
      'GET data.bin bytes=299999-299999',
    ]);
  });

  it('knows what is missing, and files of any name', async () => {
    const s = source();
    expect(await s.exists('nothing')).toBe(false);
    expect(await s.exists('data.bin')).toBe(true);
    expect(await s.readJson('unet/odd name%20#?.json')).toEqual({ ä: 1 });
    expect(await s.size('empty.txt')).toBe(0);
    expect(await s.readText('empty.txt')).toBe('');
    for (const read of [s.size('no'), s.readText('no'), s.readRange('no', 0, 4)]) {
      const error = await failureOf(read);
      expect(error).toBeInstanceOf(MissingPartError);
      expect(error.message).toMatch(/^no: expected no in http:\/\/127\.0\.0\.1:\d+\/models\/it, got none/);
    }
  });

  it('tells an end of file from a missing one', async () => {
    expect(await codeOf(source().readRange('data.bin', 299_990, 300_010))).toBe('weights/truncated');
    expect(await codeOf(source().readRange('data.bin', 400_000, 400_010))).toBe('weights/truncated');
  });

  it('loads a component, each byte once', async () => {
    expect(await loadAll()).toEqual(expected);
    const file = await safetensorsFile(checkpoint);
    expect(server.bytesSent).toBeLessThan(file.length + 100);
  });

  it('is sent headers and query, and the query is kept out of messages', async () => {
    const s = httpSource(`${address}?token=secret`, { headers: { Authorization: 'Bearer x' } });
    await s.readRange('data.bin', 0, 4);
    for (const request of server.requests) {
      expect(request.headers.authorization).toBe('Bearer x');
      expect(request.url).toContain('data.bin?token=secret');
    }
    expect(await s.size('no').catch(String)).not.toContain('secret');
  });

  it('may hide Content-Range', async () => {
    server.habits.hideContentRange = true;
    expect(await source().size('data.bin')).toBe(300_000);
    expect(await loadAll()).toEqual(expected);
  });

  it('may answer unknown paths with its start page', async () => {
    server.habits.startPage = true;
    expect(await source().exists('unet/model.fp16.safetensors')).toBe(false);
    expect(await codeOf(source().readText('no.json'))).toBe('weights/missing-file');
    expect(await loadAll()).toEqual(expected);
  });
});

describe('large reads one behind the other', () => {
  const size = 6_000_000;
  const large = Uint8Array.from({ length: size }, (_, i) => (i * 31) ^ (i >> 9));
  const step = 500_000;

  beforeEach(async () => {
    await server.stop();
    server = new FileServer(new Map([['large.bin', large]]));
    address = await server.start();
  });

  async function readAll(s: ModelSource, from = 0, ahead = 1) {
    for (let start = from; start < size; start += step * ahead) {
      const reads = Array.from({ length: ahead }, (_, i) => {
        const first = start + i * step;
        return first < size
          ? s.readRange('large.bin', first, Math.min(first + step, size))
          : Promise.resolve(new Uint8Array(0));
      });
      for (const [i, got] of (await Promise.all(reads)).entries()) {
        const first = start + i * step;
        expect(Buffer.compare(got, large.subarray(first, first + got.length))).toBe(0);
      }
    }
  }

  it.each([1, 3])('come in one download, %d ahead', async (ahead) => {
    const s = source();
    await s.size('large.bin');
    await readAll(s, 0, ahead);
    expect(server.log).toEqual([
      'GET large.bin bytes=0-0',
      'GET large.bin bytes=0-499999',
      'GET large.bin bytes=500000-',
    ]);
  });

  it('skip small gaps, and jump over large ones', async () => {
    const s = source();
    for (const start of [0, 500_100, 1_000_300, 4_000_000, 4_500_000, 5_400_000, 500_000]) {
      const got = await s.readRange('large.bin', start, start + step);
      expect(Buffer.compare(got, large.subarray(start, start + step))).toBe(0);
    }
    expect(server.log.slice(1)).toEqual([
      'GET large.bin bytes=0-499999',
      'GET large.bin bytes=500100-',
      'GET large.bin bytes=4000000-4499999',
      'GET large.bin bytes=4500000-',
      'GET large.bin bytes=5400000-5899999',
      'GET large.bin bytes=500000-999999',
    ]);
  });

  it('go on after cuts where they were cut, and after stalls', async () => {
    const s = source({ retries: 1, stallMs: 200 });
    await s.size('large.bin');
    Object.assign(server.habits, { cutAfter: 700_000, cuts: 5, stalls: 1 });
    await readAll(s);
    const starts = server.log.slice(2).map((line) => Number(/bytes=(\d+)-/.exec(line)![1]));
    expect(starts.length).toBeGreaterThanOrEqual(6);
    expect(starts.toSorted((a, b) => a - b)).toEqual(starts);
  });

  it('are given up when nothing more comes', async () => {
    const s = source({ retries: 2 });
    await s.readRange('large.bin', 0, step);
    const before = server.log.length;
    Object.assign(server.habits, { cutAfter: 0, cuts: 100 });
    expect(await codeOf(s.readRange('large.bin', step, 2 * step))).toBe('weights/network');
    expect(server.log.length - before).toBe(3);
  });

  it('are cancelled, and can be taken up again', async () => {
    const s = source();
    await s.readRange('large.bin', 0, step);
    server.habits.stalls = 1;
    const read = s.readRange('large.bin', step, 2 * step, { signal: cancelAfter(30) });
    await expect(read).rejects.toBeInstanceOf(CancelledError);
    await readAll(s, step);
  });

  it('tell of a file that changed meanwhile, and of one that is gone', async () => {
    const s = source();
    await s.readRange('large.bin', 0, step);
    server.files.set('large.bin', large.subarray(0, 2_000_000));
    expect(await codeOf(s.readRange('large.bin', step, 2 * step))).toBe('weights/changed');
    server.files.delete('large.bin');
    expect(await codeOf(s.readRange('large.bin', 2 * step, 3 * step))).toBe('weights/network');
  });
});

describe.each([{ chunked: false }, { chunked: true }])('a server without ranges, chunked: $chunked', ({ chunked }) => {
  beforeEach(() => {
    server.habits.ranges = false;
    server.habits.chunked = chunked;
  });

  it('is read in one download as long as reads go forward', async () => {
    const s = source();
    expect(await s.size('data.bin')).toBe(300_000);
    const before = server.log.length;
    expect(await s.readRange('data.bin', 10, 20)).toEqual(bytes(10, 20));
    const ahead = [s.readRange('data.bin', 100_000, 100_100), s.readRange('data.bin', 200_000, 250_000)];
    expect(await ahead[0]).toEqual(bytes(100_000, 100_100));
    expect(await ahead[1]).toEqual(bytes(200_000, 250_000));
    expect(server.log.length - before).toBe(2); // the range that was ignored, and the download
    expect(await s.readRange('data.bin', 0, 10)).toEqual(bytes(0, 10));
    expect(server.log.length - before).toBe(3);
    expect(await codeOf(s.readRange('data.bin', 299_990, 300_010))).toBe('weights/truncated');
  });

  it('loads a component', async () => {
    expect(await loadAll()).toEqual(expected);
  });

  it('is read on after cuts', async () => {
    server.habits.cutAfter = 60_000;
    const s = source();
    await s.size('data.bin');
    server.habits.cuts = 3;
    expect(await s.readRange('data.bin', 100_000, 150_000)).toEqual(bytes(100_000, 150_000));
  });

  it('is cancelled in mid-download', async () => {
    const s = source();
    await s.size('data.bin');
    await s.readRange('data.bin', 0, 10);
    const controller = new AbortController();
    const read = s.readRange('data.bin', 20, 200_000, { signal: controller.signal });
    controller.abort();
    await expect(read).rejects.toBeInstanceOf(CancelledError);
    expect(await s.readRange('data.bin', 20, 40)).toEqual(bytes(20, 40));
  });
});

describe('failures', () => {
  it('a cut connection is resumed where it broke', async () => {
    const s = source({ retries: 1 });
    await s.size('data.bin');
    Object.assign(server.habits, { cutAfter: 50_000, cuts: 5 });
    expect(await s.readRange('data.bin', 0, 290_000)).toEqual(bytes(0, 290_000));
    const starts = server.log.slice(1).map((line) => Number(/bytes=(\d+)-/.exec(line)![1]));
    expect(starts).toEqual([0, 50_000, 100_000, 150_000, 200_000, 250_000]);
  });

  it('a whole load survives cuts and busy answers', async () => {
    Object.assign(server.habits, {
      cutAfter: 3_000,
      cuts: 6,
      failures: [{ status: 503 }, { status: 500 }, { status: 429 }],
    });
    expect(await loadAll()).toEqual(expected);
  });

  it('a server that keeps failing is given up, saying how often it was asked', async () => {
    server.habits.failures = Array.from({ length: 9 }, () => ({ status: 503 }));
    const error = await failureOf(source({ retries: 2 }).size('data.bin'));
    expect(error).toMatchObject({ code: 'weights/network' });
    expect(error.message).toMatch(/^data\.bin: expected an answer from http.*, got: status 503 .*, 3 times\. /);
    expect(server.log).toHaveLength(3);
  });

  it('a connection that makes no progress is given up', async () => {
    const s = source({ retries: 2 });
    await s.size('data.bin');
    Object.assign(server.habits, { cutAfter: 0, cuts: 100 });
    expect(await codeOf(s.readRange('data.bin', 0, 1000))).toBe('weights/network');
    expect(server.log).toHaveLength(4);
  });

  it('a stalled connection is given up and tried again', async () => {
    const s = source({ stallMs: 60 });
    await s.size('data.bin');
    server.habits.stalls = 2;
    expect(await s.readRange('data.bin', 0, 100)).toEqual(bytes(0, 100));
  });

  it('Retry-After is heeded', async () => {
    server.habits.failures = [{ status: 429, headers: { 'Retry-After': '1' } }];
    const start = performance.now();
    expect(await source().size('data.bin')).toBe(300_000);
    expect(performance.now() - start).toBeGreaterThan(950);
  });

  it('a refusal is not retried', async () => {
    server.habits.failures = [{ status: 403 }];
    const error = await failureOf(source().size('data.bin'));
    expect(error).toMatchObject({ code: 'weights/network' });
    expect(error.message).toMatch(/got status 403 Forbidden\. .*credentials/);
    expect(server.log).toHaveLength(1);
  });

  it('a server that is not there is a network error', async () => {
    await server.stop();
    expect(await codeOf(source({ retries: 1 }).exists('data.bin'))).toBe('weights/network');
  });

  it('a file that changes size in between is told', async () => {
    const other = new FileServer(new Map([['data.bin', data.subarray(0, 1000)]]));
    const moved = await other.start();
    try {
      let calls = 0;
      const changing = source({
        fetch: (_input, init) => fetch(`${calls++ === 0 ? address : moved}/data.bin`, init),
      });
      expect(await codeOf(changing.readRange('data.bin', 0, 10))).toBe('weights/changed');
    } finally {
      await other.stop();
    }
  });

  it('a cancel stops a read, a stalled one and a wait between tries', async () => {
    const s = source({ retryDelayMs: 60_000 });
    await s.size('data.bin');
    server.habits.stalls = 1;
    await expect(s.readRange('data.bin', 0, 100, { signal: cancelAfter(20) })).rejects.toBeInstanceOf(CancelledError);
    server.habits.failures = [{ status: 503 }];
    await expect(s.readRange('data.bin', 0, 100, { signal: cancelAfter(20) })).rejects.toBeInstanceOf(CancelledError);
    await expect(s.size('data.bin', { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(CancelledError);
  });

  it.each(['ftp://x/y', 'not an address', '/relative'])('"%s" is no base address', (base) => {
    expect(() => httpSource(base)).toThrow(/expected an http or https address/);
  });
});
