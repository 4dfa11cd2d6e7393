import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledError } from '@pleinair/tensor';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { floats, modelOf, safetensorsFile } from '../test/fixtures.js';
import { encodeSafetensors, type TensorToWrite } from './encode.js';
import { folderSource } from './folder-source.js';
import { readTensorBytes } from './read-tensor.js';
import { byteLengthOf, type SafetensorsDtype } from './safetensors-dtype.js';
import { openSafetensors } from './safetensors-file.js';
import { writeFileAtomically, writeSafetensors, type WriteFileSystem } from './write-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('encodeSafetensors', () => {
  it('is read back as it was written: any names, dtypes, shapes', async () => {
    const dtypes: SafetensorsDtype[] = ['F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'U8', 'BOOL', 'F8_E4M3'];
    const tensor = fc.record({
      name: fc.string({ unit: 'binary' }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(5), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 }), async (tensors) => {
        const written = tensors.map((t, i): TensorToWrite & { data: Uint8Array } => {
          const length = byteLengthOf(t.dtype, t.shape);
          return { ...t, data: Uint8Array.from({ length }, (_, b) => b * 3 + i) };
        });
        const file = await openSafetensors(modelOf({ a: await safetensorsFile(written) }), 'a');
        expect(file.entries.size).toBe(tensors.length);
        for (const { name, dtype, shape, data } of written) {
          const { entry, bytes } = await readTensorBytes(file, name);
          expect(entry).toMatchObject({ dtype, shape });
          expect(bytes).toEqual(data);
          expect(entry.begin % byteLengthOf(dtype, [])).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each<[string, TensorToWrite[], RegExp]>([
    ['a name twice', [floats('a', [1]), floats('a', [1])], /a: expected a name of its own/],
    ['the name of the metadata', [floats('__metadata__', [1])], /a name of its own/],
    ['too few bytes', [{ ...floats('a', [2]), data: new Uint8Array(7) }], /expected 8 bytes for F32 \[2\], got 7/],
    ['too many', [{ ...floats('a', [2]), data: () => [new Uint8Array(6), new Uint8Array(6)] }], /got 12/],
    ['half a byte', [{ name: 'a', dtype: 'F4', shape: [1], data: new Uint8Array(1) }], /whole bytes, got F4 \[1\]/],
    ['a negative size', [{ name: 'a', dtype: 'U8', shape: [-1], data: new Uint8Array(1) }], /U8 \[-1\]/],
    ['an unknown dtype', [{ name: 'a', dtype: JSON.parse('"Q"'), shape: [1], data: new Uint8Array(1) }], /got Q \[1\]/],
  ])('refuses %s', async (_what, tensors, says) => {
    const drain = async () => {
      for await (const piece of encodeSafetensors(tensors)) void piece;
    };
    await expect(drain()).rejects.toMatchObject({ code: 'weights/write' });
    await expect(drain()).rejects.toThrow(says);
  });
});

async function* pieces() {
  for (let i = 0; i < 8; i++) {
    await Promise.resolve();
    yield Float32Array.of(i, -i);
  }
}

describe('writeSafetensors', () => {
  it('writes tensors given in pieces, with metadata', async () => {
    const path = join(folder, 'latents.safetensors');
    const tensor: TensorToWrite = { name: 'latents', dtype: 'F32', shape: [1, 4, 2, 2], data: pieces };
    await writeSafetensors(path, [tensor], { metadata: { seed: '7' } });
    const file = await openSafetensors(folderSource(folder), 'latents.safetensors');
    expect(file.metadata).toEqual({ format: 'pt', seed: '7' });
    const { bytes } = await readTensorBytes(file, 'latents');
    expect([...new Float32Array(bytes.buffer)].slice(0, 4)).toEqual([0, -0, 1, -1]);
    expect(await readdir(folder)).toEqual(['latents.safetensors']);
  });

  it('replaces a file only when the new one is whole', async () => {
    const path = join(folder, 'a.safetensors');
    await writeSafetensors(path, [floats('a', [1])]);
    const before = await readFile(path);
    const broken: TensorToWrite = {
      ...floats('a', [1000]),
      data: function* () {
        yield new Uint8Array(2000);
        throw new Error('the source broke');
      },
    };
    await expect(writeSafetensors(path, [broken])).rejects.toMatchObject({ code: 'weights/write' });
    expect((await readFile(path)).equals(before)).toBe(true);
    await writeSafetensors(path, [floats('b', [3])]);
    expect((await readFile(path)).equals(before)).toBe(false);
    expect(await readdir(folder)).toEqual(['a.safetensors']);
  });

  it('is cancelled without a trace, before and in the middle', async () => {
    const path = join(folder, 'a.safetensors');
    await expect(writeSafetensors(path, [floats('a', [1])], { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
      CancelledError,
    );
    const controller = new AbortController();
    const tensor: TensorToWrite = {
      ...floats('a', [1000]),
      data: function* () {
        yield new Uint8Array(2000);
        controller.abort();
        yield new Uint8Array(2000);
      },
    };
    await expect(writeSafetensors(path, [tensor], { signal: controller.signal })).rejects.toBeInstanceOf(
      CancelledError,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('tells of places that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'folder'));
    for (const path of ['no/such/a.safetensors', 'file/a.safetensors', 'folder']) {
      await expect(writeSafetensors(join(folder, path), [floats('a', [1])])).rejects.toMatchObject({
        code: 'weights/not-writable',
      });
    }
    expect((await readdir(folder)).toSorted()).toEqual(['file', 'folder']);
  });
});

const inSmallDisk = (script: string) => spawnSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' });

describe('a disk that is full', () => {
  it.each(['ENOSPC', 'EDQUOT'])('(%s) is told, and nothing is left', async (code) => {
    const files: WriteFileSystem = {
      rename,
      rm,
      async open(path, flags) {
        const handle = await open(path, flags);
        let room = 1000;
        return {
          sync: () => handle.sync(),
          close: () => handle.close(),
          async write(bytes, offset, length) {
            if (room === 0) throw Object.assign(new Error(`${code}: no space left`), { code });
            const { bytesWritten } = await handle.write(bytes, offset, Math.min(length, room));
            room -= bytesWritten;
            return { bytesWritten };
          },
        };
      },
    };
    const path = join(folder, 'a.bin');
    const writing = writeFileAtomically(path, [new Uint8Array(600), new Uint8Array(600)], {}, files);
    await expect(writing).rejects.toMatchObject({ code: 'weights/disk-full' });
    expect(await readdir(folder)).toEqual([]);
    await writeFileAtomically(path, [new Uint8Array(600), new Uint8Array(400)], {}, files);
    expect((await readFile(path)).length).toBe(1000);
  });

  // The same on a real file system of one megabyte, where this user may mount one.
  const mountable = inSmallDisk('mount -t tmpfs -o size=1m none /mnt').status === 0;

  it.skipIf(!mountable)('for real (needs the right to mount a file system)', async () => {
    const { build } = await import('esbuild');
    const script = join(folder, 'write.mjs');
    await build({
      stdin: {
        contents: `
          import { readdir } from 'node:fs/promises';
          import { writeFileAtomically } from './write-file.ts';
          const chunks = Array.from({ length: 40 }, () => new Uint8Array(65536));
          const code = await writeFileAtomically('/mnt/a.bin', chunks).catch((error) => error.code);
          console.log(JSON.stringify({ code, left: await readdir('/mnt') }));
        `,
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['pleinair-source'],
      outfile: script,
    });
    const { stdout, stderr } = inSmallDisk(`mount -t tmpfs -o size=1m none /mnt && '${process.execPath}' '${script}'`);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ code: 'weights/disk-full', left: [] });
  });
});
