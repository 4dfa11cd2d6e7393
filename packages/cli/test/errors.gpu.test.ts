import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPath, modelUrl } from '@pleinair/demo-model';
import { freshDevice, testDevice } from '@pleinair/testing';
import { load } from 'pleinair';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../src/exit-code.js';
import { damageHeader, replaceTensor } from './damage.js';
import { runChild } from './run-child.js';
import { lastLine, runCli } from './run-cli.js';

const small = ['generate', 'a desert at noon', '--steps', '1', '--width', '64', '--height', '64', '--seed', '1'];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-errors-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// SwiftShader compiles every kernel anew for each device, and files and disks are the same there.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

type Damage = (model: string) => Promise<void>;
const weights = 'text_encoder/model.safetensors';
const ofHeader =
  (change: Parameters<typeof damageHeader>[1]): Damage =>
  (model) =>
    damageHeader(join(model, weights), change);
const declaring =
  (bytes: bigint): Damage =>
  async (model) => {
    const file = await readFile(join(model, weights));
    file.writeBigUInt64LE(bytes, 0);
    await writeFile(join(model, weights), file);
  };
const table = 'text_model.embeddings.token_embedding.weight';

describe('damaged models end with exit code 5, say what is wrong and leave nothing behind', () => {
  it.skipIf(slow).each<[string, Damage, RegExp]>([
    [
      'a header said to be of 1 TB',
      declaring(10n ** 12n),
      /header of at most \d+ bytes, got a length of 1000000000000/,
    ],
    ['a header longer than the file', declaring(20_000_000n), /a header of 20000000 bytes, got a file of \d+ bytes/],
    ['a header that is no JSON', declaring(300n), /expected a safetensors header, got/],
    [
      'overlapping tensors',
      ofHeader((entries) => {
        const [first, second] = Object.values(entries);
        const length = second!.data_offsets[1] - second!.data_offsets[0];
        const begin = first!.data_offsets[1] - 2;
        second!.data_offsets = [begin, begin + length];
      }),
      /to start at byte \d+, where .* ends, got byte \d+/,
    ],
    [
      'bytes that are not shape × dtype',
      ofHeader((entries) => void entries[table]!.shape.push(3)),
      /token_embedding\.weight F16 \[\d+, \d+, 3\] in \d+ bytes, got \d+ bytes/,
    ],
    [
      'a tensor of another shape',
      ofHeader((entries) => void entries[table]!.shape.reverse()),
      /expected .*token_embedding\.weight.*878.*64.*same model/s,
    ],
    [
      'a tensor by another name',
      ofHeader((entries) => {
        entries[`${table}s`] = entries[table]!;
        delete entries[table];
      }),
      /expected .*token_embedding\.weight \[\d+, \d+\], got a checkpoint of \d+ tensors without/,
    ],
    ['a dtype nobody knows', ofHeader((entries) => void (entries[table]!.dtype = 'F7')), /expected .*F32.*got .*F7/s],
    [
      'a dtype weights do not come in',
      ofHeader((entries) => void (entries[table]!.dtype = 'I16')),
      /token_embedding\.weight: expected F32, F16 or BF16, got I16/,
    ],
    ['no weights but zero bytes', (model) => writeFile(join(model, weights), ''), /at least 8 bytes, got 0 bytes/],
    [
      'a weight too large for half floats',
      async (model) => {
        const values = new Float32Array(64).fill(1);
        values[7] = 1e6;
        const bytes = new Uint8Array(values.buffer);
        await replaceTensor(join(model, weights), 'text_model.encoder.layers.0.layer_norm1.weight', 'F32', bytes);
      },
      /layer_norm1\.weight.*1000000/s,
    ],
    ['a config that is no JSON', (model) => writeFile(join(model, 'unet/config.json'), '{"a"'), /unet\/config\.json/],
    ['a tokenizer without words', (model) => rm(join(model, 'tokenizer/vocab.json')), /vocab\.json/],
    ['no scheduler', (model) => rm(join(model, 'scheduler'), { recursive: true }), /scheduler_config\.json/],
  ])('%s (asked of one adapter, not SwiftShader)', async (_, damage, message) => {
    const model = join(folder, 'model');
    const out = join(folder, 'out');
    await cp(modelPath, model, { recursive: true });
    await mkdir(out);
    await damage(model);
    const { code, err } = await runCli(...small, '--model', model, '--out', out);
    expect(err).toMatch(message);
    expect(err).toMatch(/^\S.*expected .*got:? .*\. \S/s);
    expect(err).not.toContain('unexpected failure');
    expect(code).toBe(5);
    expect(await readdir(out)).toEqual([]);
  });
});

/** Whether this process may mount a file system, and so make a disk that is full or read-only whoever runs the tests. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('places that cannot be written to end with exit code 6', () => {
  let disk: string;
  beforeEach(async () => {
    disk = join(folder, 'disk');
    await mkdir(disk);
  });

  function mount(options: string): void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
  }

  it('a folder inside a file', async () => {
    await writeFile(join(folder, 'taken'), '');
    const { code, err } = await runCli(...small, '--out', join(folder, 'taken', 'under'));
    expect(err).toMatch(/expected a folder that can be written to, got .*taken.*Choose another/);
    expect(code).toBe(6);
  });

  it.skipIf(!canMount())('a read-only disk (needs the right to mount a file system)', async () => {
    mount('ro,size=1m');
    try {
      const { code, err } = await runCli(...small, '--out', disk);
      expect(err).toMatch(/expected a folder that can be written to, got .*disk \(EROFS\)/);
      expect(code).toBe(6);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it.skipIf(slow || !canMount())(
    'a full disk, leaving nothing behind (needs the right to mount a file system; not SwiftShader)',
    async () => {
      mount('size=4k');
      try {
        const { code, err } = await runCli(...small, '--out', disk);
        expect(err).toMatch(/\.png: expected to write \d+ bytes, got ENOSPC\. Free some space/);
        expect(code).toBe(6);
        expect(await readdir(disk)).toEqual([]);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );
});

describe('what the adapter cannot do ends with exit code 4', () => {
  const request = { prompt: 'a desert at noon', steps: 3, seed: 1, width: 64, height: 64 };

  it.skipIf(slow)(
    'a tensor beyond its limits, before any weight is loaded; a smaller picture is made all the same (asked of one adapter, not SwiftShader)',
    async () => {
      const device = await freshDevice({ limits: { maxBufferSize: 4 * 2 ** 20 } });
      const painter = await load(modelUrl, { device, tune: 'off' });
      const error: unknown = await painter.generate({ ...request, width: 768, height: 768 }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'device/limit' });
      expect((error as Error).message).toMatch(/expected .*4194304 bytes.*got .*Use a smaller picture/s);
      expect(exitCodeOf(error)).toBe(4);
      expect(device.memory.peak.weights).toBe(0);
      expect((await painter.generate({ ...request, steps: 1 })).images).toHaveLength(1);
      painter.dispose();
      device.destroy();
    },
  );

  // SwiftShader may even bring the process down when a device is destroyed at work.
  it.skipIf(slow)(
    'a device lost in mid-run; loading again works (an adapter that survives it: not SwiftShader)',
    async () => {
      const painter = await load(modelUrl, { tune: 'off' });
      const steps: number[] = [];
      const error: unknown = await painter
        .generate({
          ...request,
          onStep: ({ step }) => {
            steps.push(step);
            if (step === 2) painter.device.gpu.destroy();
          },
        })
        .catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'device/lost' });
      expect((error as Error).message).toMatch(/Request a new device and load the model again/);
      expect(exitCodeOf(error)).toBe(4);
      expect(steps).toEqual([1, 2]);
      await expect(painter.generate(request)).rejects.toMatchObject({ code: 'device/lost' });
      painter.dispose();
      const again = await load(modelUrl, { tune: 'off' });
      expect((await again.generate({ ...request, steps: 1 })).images[0]!.rgba).toHaveLength(64 * 64 * 4);
      again.dispose();
    },
  );
});

describe('pleinair doctor', () => {
  it('tells adapter, features, paths and limits', async () => {
    const { code, out, err } = await runCli('doctor');
    expect(err).toBe('');
    expect(code).toBe(0);
    const { profile } = await testDevice();
    expect(out).toContain(profile.name);
    for (const [limit, value] of Object.entries(profile.limits)) {
      expect(out).toMatch(new RegExp(`${limit} +${value}\\n`));
    }
    expect(out).toMatch(/half floats +(shader-f16|no shader-f16)/);
  });

  it('says the same as one JSON object', async () => {
    const { code, out } = await runCli('doctor', '--json');
    expect(code).toBe(0);
    expect(out.trimEnd()).not.toContain('\n');
    const { profile } = await testDevice();
    const { ok, adapter, features, paths } = lastLine(out);
    expect(ok).toBe(true);
    expect(adapter).toMatchObject({ name: profile.name, limits: profile.limits, features: profile.features });
    expect((features as string[]).includes('shader-f16')).toBe(profile.features.shaderF16);
    expect(Object.keys(paths as object)).toContain('half floats');
  });

  it.each([[[]], [['--json']]])('%j: exit code 3 where there is no adapter', async (flags) => {
    const env = { VK_DRIVER_FILES: '/nonexistent.json', VK_ICD_FILENAMES: '/nonexistent.json' };
    const { code, out, err } = await runChild(['doctor', ...flags], { env });
    expect(err).toMatch(/expected a WebGPU adapter, got none/);
    expect(code).toBe(3);
    if (flags.length > 0) expect(lastLine(out)).toMatchObject({ ok: false, code: 'device/no-adapter' });
  });
});
