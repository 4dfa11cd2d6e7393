import { describe, expect, it } from 'vitest';
import { neededFiles, otherFiles } from '../../test/hub-model.js';
import { HubError } from './hub-error.js';
import { selectFiles } from './select-files.js';

const model: Readonly<Record<string, string | Uint8Array>> = { ...otherFiles, ...neededFiles };

async function select(
  files: Readonly<Record<string, string | Uint8Array>>,
  prefer?: 'fp16' | 'full',
): Promise<string[]> {
  const listed = Object.entries(files).map(([path, { length }]) => ({ path, size: length }));
  const chosen = await selectFiles(
    { name: 'a/b@v1', files: listed, readText: (path) => Promise.resolve(String(files[path])) },
    prefer,
  );
  return chosen.map(({ path }) => path).toSorted();
}
const without = (...paths: string[]) =>
  Object.fromEntries(Object.entries(model).filter(([path]) => !paths.includes(path)));
const failure = (files: Readonly<Record<string, string | Uint8Array>>) =>
  select(files).then(
    () => new Error('nothing failed'),
    (error: unknown) => error as HubError,
  );

describe('the files a model needs', () => {
  it('are those of its parts, in half precision, and no other form', async () => {
    expect(await select(model)).toEqual(Object.keys(neededFiles).toSorted());
  });

  it('are in full precision where asked for, or where there is no other', async () => {
    const full = Object.keys(neededFiles)
      .map((path) => path.replace('.fp16.', '.'))
      .toSorted();
    expect(await select(model, 'full')).toEqual(full);
    const halves = Object.keys(neededFiles).filter((path) => path.includes('.fp16.'));
    expect(await select(without(...halves))).toEqual(full);
  });

  it('include shards, by their index', async () => {
    const path = 'unet/diffusion_pytorch_model.fp16.safetensors';
    const sharded = {
      ...without(path),
      'unet/diffusion_pytorch_model.safetensors.index.fp16.json': JSON.stringify({
        weight_map: { a: 'x-1.safetensors', b: 'x-2.safetensors', c: 'x-1.safetensors' },
      }),
      'unet/x-1.safetensors': '1',
      'unet/x-2.safetensors': '2',
      'unet/x-3.safetensors': '3',
    };
    const chosen = await select(sharded);
    expect(chosen.filter((each) => each.startsWith('unet/'))).toEqual([
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors.index.fp16.json',
      'unet/x-1.safetensors',
      'unet/x-2.safetensors',
    ]);
    const { 'unet/x-2.safetensors': _gone, ...short } = sharded;
    expect(await failure(short)).toMatchObject({ code: 'weights/missing-file', tried: ['unet/x-2.safetensors'] });
    const evil = {
      ...sharded,
      'unet/diffusion_pytorch_model.safetensors.index.fp16.json': '{"weight_map":{"a":"../x"}}',
    };
    expect(await failure(evil)).toMatchObject({ code: 'weights/invalid-index' });
  });

  it('include what the model says of itself', async () => {
    expect(await select({ ...model, 'pleinair.json': '{}' })).toContain('pleinair.json');
  });
});

describe('what is no model', () => {
  it('pickles are refused, with the cure', async () => {
    const error = await failure(
      without('unet/diffusion_pytorch_model.fp16.safetensors', 'unet/diffusion_pytorch_model.safetensors'),
    );
    expect(error).toMatchObject({ code: 'hub/pickle' });
    expect(error.message).toMatch(/unet\/diffusion_pytorch_model\.bin.*run code.*safe_serialization=True/);
    expect(await failure({ 'model.ckpt': 'x', 'README.md': 'x' })).toMatchObject({ code: 'hub/pickle' });
  });

  it('single files are offered by name, large ones first', async () => {
    const error = await failure({
      'small.safetensors': 'x',
      'v1/large.safetensors': 'x'.repeat(2_000_000),
      'x.ckpt': 'y',
    });
    expect(error).toMatchObject({ code: 'hub/single-file' });
    expect(error.message).toContain('v1/large.safetensors (2.0 MB), small.safetensors (0.0 MB)');
    expect(error.message).toContain('e.g. a/b/v1/large.safetensors@v1');
  });

  it('other kinds are refused before anything large comes', async () => {
    const flux = {
      ...model,
      'model_index.json': '{"_class_name":"FluxPipeline","transformer":["diffusers","X"],"vae":["diffusers","Y"]}',
    };
    const error = await failure(flux);
    expect(error).toMatchObject({ code: 'hub/not-a-model' });
    expect(error.message).toMatch(/got transformer in a FluxPipeline/);
    expect(await failure({ 'README.md': 'x' })).toMatchObject({ code: 'hub/not-a-model' });
    expect(await failure({ ...model, 'model_index.json': 'nothing' })).toMatchObject({ code: 'weights/not-json' });
  });

  it('missing parts are named', async () => {
    for (const part of ['vae/config.json', 'scheduler/scheduler_config.json']) {
      expect(await failure(without(part))).toMatchObject({ code: 'weights/missing-file', tried: [part] });
    }
  });
});
