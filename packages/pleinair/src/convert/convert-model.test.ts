import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPath } from '@pleinair/demo-model';
import { blobSource } from '@pleinair/weights';
import { folderSink, folderSource } from '@pleinair/weights/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointNames } from '../../../weights/test/checkpoint-names.js';
import { singleFileBlob } from '../../../weights/test/single-file.js';
import { sha256ByPath } from '../../test/sha256-by-path.js';
import { convertModel, type ConvertOptions, type ConvertProgress } from './convert-model.js';

const demo = folderSource(modelPath);
let folder: string;
let file: Blob;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'convert-model-'));
  file = await singleFileBlob(demo, (await checkpointNames())['demo-model'], 'F16');
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const convert = async (name: string, options: Partial<ConvertOptions> = {}) =>
  convertModel(file, { sink: await folderSink(join(folder, name)), checkpoint: { config: demo }, ...options });

describe('convertModel', () => {
  // The browser's test compares with the same file: what is written there is what is written here.
  it.each([
    ['plain', 16],
    ['palettized', 4],
  ] as const)('writes the recorded files: %s', async (name, palettize) => {
    const recorded = JSON.parse(
      await readFile(new URL('../../test/converted-demo.json', import.meta.url), 'utf8'),
    ) as Record<string, unknown>;
    const told: ConvertProgress[] = [];
    const { notes, parts } = await convert(name, {
      palettize,
      minWeights: 130_000,
      onProgress: (progress) => told.push(progress),
    });
    expect(notes.join()).toMatch(/sdxl: conditioner/);
    expect(Object.keys(parts).sort()).toEqual(palettize === 4 ? ['text_encoder', 'text_encoder_2', 'unet'] : []);
    expect(await sha256ByPath(folderSource(join(folder, name)))).toEqual(recorded[name]);
    expect(told[0]).toMatchObject({ phase: 'checking', doneBytes: 0 });
    expect(told.at(-1)).toMatchObject({ phase: 'writing', doneBytes: told.at(-1)!.totalBytes });
  });

  it('asks for rules by the folders that there are', async () => {
    const asked: (readonly string[])[] = [];
    const { parts } = await convert('ruled', {
      minWeights: 1000,
      palettize: (folders) => {
        asked.push(folders);
        return Promise.resolve({ text_encoder: { bits: 2 } });
      },
    });
    expect(asked).toEqual([['text_encoder', 'text_encoder_2', 'unet']]);
    expect(Object.keys(parts)).toEqual(['text_encoder']);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['a pickle', 'weights/pickle', () => convertModel(new File(['PK\u0003\u0004        pickle'], 'a.ckpt'), bad())],
    ['what is no model', 'weights/missing-file', () => convertModel(blobSource(new Map()), bad())],
    ['a cancel', 'cancelled', () => convert('none', { signal: AbortSignal.abort() })],
  ])('leaves nothing of %s', async (_, code, run) => {
    const before = await readdir(folder);
    await expect(run()).rejects.toMatchObject({ code });
    expect(await readdir(folder)).toEqual(before);
  });
});

/** A sink that nothing may be written to, and that must be discarded. */
function bad(): ConvertOptions {
  const fail = () => Promise.reject(new Error('nothing should be written'));
  return {
    sink: { describe: () => 'nowhere', reserve: fail, write: fail, commit: fail, discard: () => Promise.resolve() },
  };
}
