import { mkdtemp, readdir, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointNames } from '../../test/checkpoint-names.js';
import { failureOf, floats, modelOf, safetensorsFile } from '../../test/fixtures.js';
import { singleFileBlob } from '../../test/single-file.js';
import { folderSource } from '../folder-source.js';
import { blobSource, openComponent, openModel, readTensor, writeModel, type ModelSource } from '../index.js';
import { folderSink } from '../node.js';

const tiny = folderSource(fileURLToPath(new URL('../../../testing/goldens/tiny-sdxl', import.meta.url)));
const { 'tiny-sdxl': names } = await checkpointNames();
const parts = Object.keys(names.parts);

/** Configurations that shapes do not tell; what the pipeline is made of is told. */
const config: ModelSource = {
  ...tiny,
  exists: async (path, options) => path !== 'model_index.json' && (await tiny.exists(path, options)),
};

let folder = '';
let out = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'convert-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function singleFile(): Promise<ModelSource> {
  const blob = await singleFileBlob(tiny, names, 'F32');
  return openModel(blobSource(new Map([['tiny.safetensors', blob]])), { config });
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

describe('writeModel', () => {
  it('writes a single file as the folder it was made of', async () => {
    const told: { doneBytes: number; totalBytes: number }[] = [];
    const sink = await folderSink(out);
    await writeModel({ source: await singleFile(), sink, onProgress: (progress) => told.push(progress) });
    const written = folderSource(out);
    for (const part of parts) {
      const [wanted, got] = [await openComponent(tiny, part), await openComponent(written, part)];
      expect([...got.entries.keys()].sort()).toEqual([...wanted.entries.keys()].sort());
      for (const [name, { file }] of wanted.entries) {
        expect(await readTensor(got.entries.get(name)!.file, name), name).toEqual(await readTensor(file, name));
      }
      expect(await written.readJson(`${part}/config.json`)).toEqual(await tiny.readJson(`${part}/config.json`));
    }
    expect(await filesIn(out)).toEqual([
      'model_index.json',
      'scheduler/scheduler_config.json',
      'text_encoder/config.json',
      'text_encoder/model.safetensors',
      'text_encoder_2/config.json',
      'text_encoder_2/model.safetensors',
      ...['tokenizer', 'tokenizer_2'].flatMap((each) =>
        ['merges.txt', 'special_tokens_map.json', 'tokenizer_config.json', 'vocab.json'].map(
          (file) => `${each}/${file}`,
        ),
      ),
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
      'vae/config.json',
      'vae/diffusion_pytorch_model.safetensors',
    ]);
    const { doneBytes, totalBytes } = told.at(-1)!;
    expect(doneBytes).toBe(totalBytes);
    expect(told.every((each, i) => i === 0 || each.doneBytes > told[i - 1]!.doneBytes)).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['out']);
  });

  it('cuts large parts into shards, and reads them back', async () => {
    await writeModel({ source: await singleFile(), sink: await folderSink(out), maxShardBytes: 500_000 });
    const files = await filesIn(out);
    const shards = files.filter((path) => /^unet\/diffusion_pytorch_model-\d{5}-of-\d{5}\.safetensors$/.test(path));
    expect(shards.length).toBeGreaterThan(3);
    expect(files).toContain('unet/diffusion_pytorch_model.safetensors.index.json');
    const got = await openComponent(folderSource(out), 'unet');
    expect(got.entries.size).toBe(Object.keys(names.parts['unet']!).length);
    // Written as they are, a folder's shards stay.
    const again = join(folder, 'again');
    await writeModel({ source: folderSource(out), sink: await folderSink(again) });
    expect(await filesIn(again)).toEqual(files);
  });

  it.each([
    ['F16', [1, 1 / 3, 1e-7, -65504], [1, 0.333251953125, 1.1920928955078125e-7, -65504]],
    // Nearest, ties to even: 1 + 2⁻⁸ lies between 1 and 1 + 2⁻⁷, 1 + 3·2⁻⁸ between 1 + 2⁻⁷ and 1 + 2⁻⁶.
    ['BF16', [1 + 2 ** -8, 1 + 3 * 2 ** -8, -1e38, 3], [1, 1 + 2 ** -6, -9.969209968386869e37, 3]],
  ] as const)('stores weights in %s', async (dtype, values, stored) => {
    const model = modelOf({
      'unet/config.json': '{}',
      'unet/diffusion_pytorch_model.safetensors': await safetensorsFile([
        floats('a', [4], (i) => values[i]!),
        { name: 'ids', dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2n) },
      ]),
    });
    await writeModel({ source: model, sink: await folderSink(out), dtype });
    const { entries } = await openComponent(folderSource(out), 'unet');
    expect([entries.get('a')!.dtype, entries.get('ids')!.dtype]).toEqual([dtype, 'I64']);
    expect([...(await readTensor(entries.get('a')!.file, 'a')).values]).toEqual([...Float32Array.from(stored)]);
  });

  it('leaves nothing behind where a value does not fit, something is missing, or it is cancelled', async () => {
    const large = modelOf({
      'unet/diffusion_pytorch_model.safetensors': await safetensorsFile([floats('a', [2], () => 70_000)]),
    });
    const failure = await failureOf(writeModel({ source: large, sink: await folderSink(out), dtype: 'F16' }));
    expect(failure.code).toBe('weights/out-of-range');

    const blob = await singleFileBlob(tiny, { ...names, file: withoutVae() }, 'F32');
    const bare = await openModel(blobSource(new Map([['tiny.safetensors', blob]])), { config });
    const missing = await failureOf(writeModel({ source: bare, sink: await folderSink(out) }));
    expect(missing.message).toMatch(/the VAE: expected first_stage_model/);

    const stop = new AbortController();
    const cancelled = writeModel({
      source: await singleFile(),
      sink: await folderSink(out),
      signal: stop.signal,
      onProgress: ({ doneBytes, totalBytes }) => doneBytes > totalBytes / 2 && stop.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readdir(folder)).toEqual([]);
  });
});

function withoutVae(): typeof names.file {
  return Object.fromEntries(Object.entries(names.file).filter(([name]) => !name.startsWith('first_stage_model.')));
}

describe('folderSink', () => {
  const gone = 2 ** 22 + 1; // above what Linux gives to processes
  const left = (ending: string) => `.out.${gone}-00000000-0000-4000-8000-000000000000.${ending}`;

  it('clears up after processes that were killed, and puts back what they had set aside', async () => {
    await mkdir(join(folder, left('partial')));
    await mkdir(join(folder, left('replaced')));
    await writeFile(join(folder, left('replaced'), 'model_index.json'), '{}');
    await mkdir(join(folder, `.out.${process.pid}-00000000-0000-4000-8000-000000000000.partial`));
    await mkdir(join(folder, '.outer.1-x.partial'));
    await expect(folderSink(out)).rejects.toMatchObject({ code: 'weights/output-exists' });
    expect(await readFile(join(out, 'model_index.json'), 'utf8')).toBe('{}');
    expect((await readdir(folder)).sort()).toEqual([
      `.out.${process.pid}-00000000-0000-4000-8000-000000000000.partial`,
      '.outer.1-x.partial',
      'out',
    ]);
    const sink = await folderSink(out, { replace: true });
    await sink.write('config.json', [new TextEncoder().encode('new')]);
    expect(await readdir(out)).toEqual(['model_index.json']);
    await sink.commit();
    expect(await readdir(out)).toEqual(['config.json']);
  });

  it('refuses what has no room, and what it was read from', async () => {
    const sink = await folderSink(out, { system: { freeBytes: () => Promise.resolve(10) } });
    expect((await failureOf(sink.reserve(11))).code).toBe('weights/no-room');
    await sink.discard();
    const file = join(folder, 'model.safetensors');
    await writeFile(file, '');
    expect((await failureOf(folderSink(folder, { replace: true, from: file }))).code).toBe('weights/output-exists');
  });
});
