import { describe, expect, it } from 'vitest';
import { failureOf, floats, modelOf, safetensorsFile } from '../test/fixtures.js';
import { openComponent } from './component.js';
import { MissingPartError } from './errors.js';

const file = (name: string) => safetensorsFile([floats(name, [2, 4])]);
const index = (map: unknown) => JSON.stringify({ metadata: {}, weight_map: map });

describe('openComponent', () => {
  it.each([
    ['diffusion_pytorch_model.safetensors'],
    ['model.safetensors'],
    ['diffusion_pytorch_model.fp16.safetensors'],
    ['model.fp16.safetensors'],
  ])('finds %s alone, whatever is preferred', async (name) => {
    const source = modelOf({ [`unet/${name}`]: await file('a') });
    for (const prefer of ['fp16', 'full'] as const) {
      const component = await openComponent(source, 'unet', { prefer });
      expect(component.files.map(({ path }) => path)).toEqual([`unet/${name}`]);
      expect([...component.entries.keys()]).toEqual(['a']);
    }
  });

  it('prefers fp16 unless asked for the full files', async () => {
    const source = modelOf({
      'model.safetensors': await file('full'),
      'model.fp16.safetensors': await file('half'),
    });
    expect([...(await openComponent(source, '')).entries.keys()]).toEqual(['half']);
    expect([...(await openComponent(source, '', { prefer: 'full' })).entries.keys()]).toEqual(['full']);
  });

  it.each([
    'diffusion_pytorch_model.safetensors.index.json',
    'model.safetensors.index.json',
    'diffusion_pytorch_model.safetensors.index.fp16.json',
    'model.safetensors.index.fp16.json',
    'diffusion_pytorch_model.fp16.safetensors.index.json',
  ])('opens the shards of %s', async (name) => {
    const source = modelOf({
      [`unet/${name}`]: index({ a: 'm-00001-of-00002.safetensors', b: 'm-00002-of-00002.safetensors' }),
      'unet/m-00001-of-00002.safetensors': await file('a'),
      'unet/m-00002-of-00002.safetensors': await file('b'),
    });
    const component = await openComponent(source, 'unet');
    expect([...component.entries.keys()]).toEqual(['a', 'b']);
    expect(component.entries.get('b')!.file.path).toBe('unet/m-00002-of-00002.safetensors');
  });

  it('says all that was looked for when nothing is there', async () => {
    const error = await failureOf(openComponent(modelOf({ 'vae/x': '' }), 'unet'));
    if (!(error instanceof MissingPartError)) throw error;
    const { tried, message, code } = error;
    expect(code).toBe('weights/missing-file');
    expect(tried).toHaveLength(10);
    expect(tried).toContain('unet/diffusion_pytorch_model.fp16.safetensors');
    expect(message).toMatch(/^unet: expected unet\/.* in the test model, got none of them\. Check/);
    for (const path of tried) expect(message).toContain(path);
  });

  it('tells of a pickle that is there instead', async () => {
    const source = modelOf({ 'unet/diffusion_pytorch_model.bin': 'x' });
    await expect(openComponent(source, 'unet')).rejects.toThrow(/diffusion_pytorch_model\.bin is there, but pickles/);
  });

  it('names shards that are missing', async () => {
    const source = modelOf({
      'unet/model.safetensors.index.json': index({ a: '1.safetensors', b: '2.safetensors' }),
      'unet/1.safetensors': await file('a'),
    });
    const error = await failureOf(openComponent(source, 'unet'));
    expect(error).toBeInstanceOf(MissingPartError);
    expect(error).toMatchObject({ tried: ['unet/2.safetensors'] });
    expect(error.message).toMatch(/unet: 1 of 2 shards/);
  });

  it.each([
    ['no map', '{}', 'weights/invalid-index', /weight_map/],
    ['null', 'null', 'weights/invalid-index', /weight_map/],
    ['a number for a file', index({ a: 1 }), 'weights/invalid-index', /file name for a/],
    ['a file outside', index({ a: '../1.safetensors' }), 'weights/invalid-index', /beside the index for a/],
    ['a file outside, encoded', index({ a: '%2e%2e/1.safetensors' }), 'weights/invalid-index', /beside the index/],
    ['an absolute file', index({ a: '/etc/passwd' }), 'weights/invalid-index', /beside the index/],
    ['an address', index({ a: 'https://example.org/x' }), 'weights/invalid-index', /beside the index/],
    [
      'a tensor the shard lacks',
      index({ a: '1.safetensors', z: '1.safetensors' }),
      'weights/invalid-index',
      /expected z in unet\/1/,
    ],
    [
      'a tensor in two shards',
      index({ a: '1.safetensors', b: '2.safetensors' }),
      'weights/invalid-index',
      /a once, got it in/,
    ],
    ['half a JSON', '{"weight_map": {', 'weights/not-json', /expected JSON/],
  ])('refuses an index with %s', async (_what, text, code, says) => {
    const source = modelOf({
      'unet/model.safetensors.index.json': text,
      'unet/1.safetensors': await file('a'),
      'unet/2.safetensors': await safetensorsFile([floats('a', [1]), floats('b', [1])]),
    });
    const error = await failureOf(openComponent(source, 'unet'));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(says);
  });
});
