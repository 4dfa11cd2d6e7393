import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { modelPath } from '@pleinair/demo-model';
import { memoryModes } from '@pleinair/diffusion';
import { encodePng, readPictureSettings, readPngText } from 'pleinair';
import { HubServer } from '@pleinair/testing/hub';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { filesOf } from './files-of.js';
import { runChild } from './run-child.js';
import { lastLine, runCli } from './run-cli.js';

const prompt = 'a snowy mountain under a full moon';

/** Of two steps of the palettized demo model beside the one as trained, in dB: 43 on lavapipe. */
const leastPsnr = 36;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-cli-'));
});

// SwiftShader compiles every kernel anew for each device: there one of these speaks for all.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe('pleinair generate', () => {
  it('writes a PNG with its settings inside and reports everything asked for', async () => {
    const out = join(folder, 'picture.png');
    const {
      code,
      out: stdout,
      err,
    } = await runCli('generate', prompt, '--seed', '7', '--steps', '3', '--out', out, '--json');
    expect(err).toContain(out);
    expect(code).toBe(0);
    const report = lastLine(stdout) as {
      images: { path: string; seed: number; width: number; height: number }[];
      timings: Record<string, number>;
      memory: Record<string, number | string>;
      adapter: string;
    } & Record<string, unknown>;
    expect(report).toMatchObject({ seed: 7, steps: 3, images: [{ path: out, seed: 7, width: 128, height: 128 }] });
    expect(Object.keys(report.timings)).toEqual([
      'loadMs',
      'compileMs',
      'tuneMs',
      'textMs',
      'encodeMs',
      'denoiseMs',
      'decodeMs',
      'previewMs',
      'totalMs',
    ]);
    const { mode, ...bytes } = report.memory;
    expect(memoryModes).toContain(mode);
    expect(Object.keys(bytes)).toEqual(['weightsBytes', 'intermediatesBytes', 'persistentBytes', 'peakBytes']);
    const { used, compiled } = report['pipelines'] as { used: number; compiled: number };
    expect(used).toBeGreaterThan(20);
    expect(compiled).toBeGreaterThanOrEqual(used);
    expect(report['warnings']).toEqual([]);
    for (const value of Object.values(bytes)) expect(value).toBeGreaterThan(0);
    const file = await readFile(out);
    const png = decode(file);
    expect([png.width, png.height]).toEqual([128, 128]);
    expect(new Set(png.data).size).toBeGreaterThan(20); // a picture, not a plain colour
    expect(readPictureSettings(readPngText(file))).toMatchObject({
      prompt,
      seed: 7,
      steps: 3,
      width: 128,
      height: 128,
    });
  });

  it.skipIf(slow)(
    'makes the same picture from a model of the Hub, downloaded on the way (asked of one adapter, not SwiftShader)',
    async () => {
      const server = new HubServer();
      vi.stubEnv('HF_ENDPOINT', await server.start());
      vi.stubEnv('HF_HOME', join(folder, 'home'));
      try {
        server.publish('some/demo', await filesOf(modelPath));
        const common = ['generate', prompt, '--steps', '2', '--width', '64', '--height', '64', '--seed', '5'];
        const pixels = async (file: string): Promise<number[]> => [...decode(await readFile(join(folder, file))).data];
        const first = await runCli(...common, '--model', 'some/demo', '--out', join(folder, 'hub.png'));
        expect(first.err).toMatch(/^downloading some\/demo: .* MB of .* MB\n/);
        expect(first.code).toBe(0);
        await runCli(...common, '--model', modelPath, '--out', join(folder, 'bundled.png'));
        expect(await pixels('hub.png')).toEqual(await pixels('bundled.png'));
        // The model that ships palettized, which is the default, paints nearly the same.
        await runCli(...common, '--out', join(folder, 'shipped.png'));
        const [shipped, trained] = [await pixels('shipped.png'), await pixels('bundled.png')];
        expect(shipped).not.toEqual(trained);
        const squares = shipped.reduce((sum, value, i) => sum + (value - trained[i]!) ** 2, 0);
        expect(10 * Math.log10((255 ** 2 * shipped.length) / squares)).toBeGreaterThan(leastPsnr);
      } finally {
        vi.unstubAllEnvs();
        await server.stop();
      }
    },
  );

  it.skipIf(slow)(
    'works on a picture where a mask is white, and leaves the rest (asked of one adapter, not SwiftShader)',
    async () => {
      const small = ['--steps', '2', '--width', '64', '--height', '64', '--seed', '5'];
      const first = join(folder, 'first.png');
      expect((await runCli('generate', prompt, ...small, '--out', first)).code).toBe(0);
      const size = { width: 64, height: 64 };
      const rgba = new Uint8Array(4 * 64 * 64).map((_, i) => (i % 4 === 3 || i < 4 * 64 * 32 ? 255 : 0));
      const mask = join(folder, 'mask.png');
      await writeFile(mask, encodePng({ ...size, rgba }));
      const out = join(folder, 'second.png');
      const given = ['--image', first, '--mask', mask, '--strength', '0.9', '--paste-back'];
      const { code, err, out: stdout } = await runCli('generate', prompt, ...small, ...given, '--out', out, '--json');
      expect(code, err).toBe(0);
      expect(lastLine(stdout)).toMatchObject({ images: [{ path: out, width: 64, height: 64 }] });
      const bytes = await readFile(out);
      const [before, after] = [decode(await readFile(first)).data, decode(bytes).data];
      expect(after.slice(3 * 64 * 32)).toEqual(before.slice(3 * 64 * 32));
      expect(after.slice(0, 3 * 64 * 32)).not.toEqual(before.slice(0, 3 * 64 * 32));
      expect(readPictureSettings(readPngText(bytes))).toMatchObject({ prompt, strength: 0.9 });
    },
  );

  it.skipIf(slow)(
    'makes COUNT pictures as single runs would, named by prompt and seed, never overwriting (asked of one adapter, not SwiftShader)',
    async () => {
      const common = ['generate', prompt, '--steps', '2', '--width', '64', '--height', '64'];
      expect((await runCli(...common, '--seed', '5', '--count', '2', '--out', folder)).code).toBe(0);
      expect((await runCli(...common, '--seed', '6', '--out', folder)).code).toBe(0);
      const name = 'a-snowy-mountain-under-a-full-moon';
      expect((await readdir(folder)).sort()).toEqual([`${name}-5.png`, `${name}-6-2.png`, `${name}-6.png`]);
      const pixels = async (file: string): Promise<number[]> => [...decode(await readFile(join(folder, file))).data];
      expect(await pixels(`${name}-6-2.png`)).toEqual(await pixels(`${name}-6.png`));
      expect(await pixels(`${name}-5.png`)).not.toEqual(await pixels(`${name}-6.png`));
    },
  );

  it.skipIf(slow)(
    'shows the picture as it comes, in a file that is always whole, and says what it took (asked of one adapter, not SwiftShader)',
    async () => {
      const preview = join(folder, 'preview.png');
      const common = ['generate', prompt, '--seed', '7', '--steps', '4', '--scheduler', 'euler', '--width', '64'];
      const flags = [...common, '--height', '96', '--out', join(folder, 'a.png'), '--json', '--preview', preview];
      const seen = new Set<string>();
      const looking = setInterval(() => {
        readFile(preview).then(
          (bytes) => {
            decode(bytes); // throws where it is not whole
            seen.add(bytes.toString('base64'));
          },
          () => undefined,
        );
      }, 5);
      const quick = await runCli(...flags, '--preview-every', '2');
      clearInterval(looking);
      expect(quick.code).toBe(0);
      const { timings } = lastLine(quick.out) as { timings: Record<string, number> };
      expect(timings['previewMs']).toBeGreaterThan(0);
      expect(decode(await readFile(preview))).toMatchObject({ width: 8, height: 12 });
      expect(seen.size).toBeGreaterThan(0);
      expect((await runCli(...flags, '--preview-mode', 'full')).code).toBe(0);
      const full = decode(await readFile(preview));
      expect([full.width, full.height]).toEqual([64, 96]);
      expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
    },
  );

  it.skipIf(slow)('writes each picture as soon as it is finished (asked of one adapter, not SwiftShader)', async () => {
    const common = ['--steps', '1', '--width', '64', '--height', '64', '--seed', '5', '--out', folder];
    const running = runCli('generate', prompt, ...common, '--count', '3');
    const ended = running.then(() => true);
    const counts = new Set<number>();
    while (!(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1, false))]))) {
      counts.add((await readdir(folder)).filter((name) => name.endsWith('.png')).length);
    }
    expect((await running).code).toBe(0);
    expect(counts.has(1) || counts.has(2)).toBe(true);
  });

  it.skipIf(slow)(
    'writes latents that any safetensors reader opens (asked of one adapter, not SwiftShader)',
    async () => {
      const out = join(folder, 'l.safetensors');
      const { code } = await runCli(
        'generate',
        prompt,
        '--seed',
        '1',
        '--steps',
        '2',
        '--output-type',
        'latent',
        '--count',
        '2',
        '--out',
        out,
      );
      expect(code).toBe(0);
      const bytes = await readFile(out);
      const length = Number(bytes.readBigUInt64LE(0));
      const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, unknown>;
      expect(header['latents']).toMatchObject({ dtype: 'F32', shape: [2, 4, 16, 16] });
    },
  );

  it.each([
    [['--scheduler', 'nonesuch'], 2, /nonesuch.*euler/s],
    [['--width', '100'], 2, /multiple of 8 pixels, got 100/],
    [['--steps', '0'], 2, /at least 1/],
    [['--rng', 'dice'], 2, /torch, cuda, numpy/],
    [['--attention', 'nearly'], 2, /auto, split, flash, subgroup/],
    [['--preview', 'p.jpg'], 2, /--preview: expected a name ending in \.png, got "p\.jpg"/],
    [['--preview', 'p.png', '--preview-every', '0'], 2, /at least 1/],
    [['--preview', 'p.png', '--preview-mode', 'slow'], 2, /quick, full/],
    [['--preview-mode', 'full'], 2, /expected --preview FILE/],
    [['--count', '2', '--out', 'one.png'], 2, /folder for 2 pictures/],
    [['--model', '/nowhere'], 5, /nowhere/],
  ])('%j: exit code %i and a clear message', async (flags, expected, message) => {
    const { code, err } = await runCli('generate', prompt, ...flags);
    expect(err).toMatch(message);
    expect(code).toBe(expected);
  });
});

describe('damaged models', () => {
  let model: string;
  beforeAll(async () => {
    model = await mkdtemp(join(tmpdir(), 'pleinair-model-'));
    await cp(modelPath, model, { recursive: true });
  });

  it.each([
    [
      'a missing part',
      'unet/diffusion_pytorch_model.fp16.safetensors',
      (file: string) => rm(file),
      /diffusion_pytorch_model/,
    ],
    ['a truncated file', 'vae/diffusion_pytorch_model.fp16.safetensors', (file: string) => truncate(file, 5000), /vae/],
    [
      'an unknown architecture',
      'model_index.json',
      (file: string) => writeFile(file, '{"_class_name":"FluxPipeline"}'),
      /FluxPipeline.*StableDiffusionXLPipeline|StableDiffusionXLPipeline.*FluxPipeline/s,
    ],
  ])('%s', async (_, path, damage, message) => {
    const broken = join(folder, 'model');
    await cp(model, broken, { recursive: true });
    await damage(join(broken, await existing(broken, path)));
    const out = join(folder, 'out');
    await mkdir(out);
    const { code, err } = await runCli(
      'generate',
      prompt,
      '--steps',
      '1',
      '--width',
      '64',
      '--height',
      '64',
      '--model',
      broken,
      '--out',
      out,
    );
    expect(err).toMatch(message);
    expect(code).toBe(5);
    expect(await readdir(out)).toEqual([]);
  });

  /** The demo model may carry its weights with or without the variant in the name. */
  async function existing(folder_: string, path: string): Promise<string> {
    const plain = path.replace('.fp16.', '.');
    return (await readFile(join(folder_, path)).catch(() => undefined)) ? path : plain;
  }
});

describe('in a process of its own', () => {
  it('says what to do where there is no adapter', async () => {
    const env = { VK_DRIVER_FILES: '/nonexistent.json', VK_ICD_FILENAMES: '/nonexistent.json' };
    const { code, err } = await runChild(['generate', prompt], { env });
    expect(err).toMatch(/adapter/);
    expect(code).toBe(3);
  });

  it.skipIf(slow)(
    'stops soon after Ctrl-C in mid-run and leaves nothing half-written (asked of one adapter, not SwiftShader)',
    async () => {
      // Steps are drawn on screens only: Node is told that stderr is one.
      const node = ['--import', 'data:text/javascript,process.stderr.isTTY=true'];
      const { code, err, msAfterInterrupt } = await runChild(['generate', prompt, '--steps', '999', '--out', folder], {
        node,
        interruptWhen: /painting.* [1-9]\d*\/999/,
      });
      expect(err).toMatch(/cancelled/);
      expect(code).toBe(130);
      // One slice of GPU work and the way out of the process; the bound leaves room for a busy machine of two cores.
      expect(msAfterInterrupt).toBeLessThan(15_000);
      expect(await readdir(folder)).toEqual([]);
    },
  );
});
