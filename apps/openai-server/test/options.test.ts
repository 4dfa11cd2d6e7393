import { describe, expect, it } from 'vitest';
import { apiModels } from '../src/api-models.js';
import { readOptions, UsageError } from '../src/options.js';

const read = (...args: string[]) => readOptions(args, {}, '/demo') as Exclude<ReturnType<typeof readOptions>, 'help'>;

describe('the command line', () => {
  it('has a default for everything', () => {
    const { models, ...rest } = read();
    expect([...models]).toEqual([['demo', '/demo']]);
    expect(rest).toEqual({
      aliases: Object.fromEntries(apiModels.map((name) => [name, 'demo'])),
      host: '127.0.0.1',
      port: 8188,
      apiKey: undefined,
      publicUrl: undefined,
      sizes: 'fit',
      queue: 16,
      limits: { pictures: 10, pixels: 1360 * 1360, steps: 100 },
      memory: 'auto',
    });
  });

  it('names models by themselves or by their last part', () => {
    const { models, aliases } = read(
      '--model',
      'big=https://example.org/sdxl?key=a',
      '--model=/models/sd-turbo/',
      '--alias=dall-e-3=sd-turbo',
      '--alias=mine=big',
    );
    expect([...models]).toEqual([
      ['big', 'https://example.org/sdxl?key=a'],
      ['sd-turbo', '/models/sd-turbo/'],
    ]);
    expect(aliases).toMatchObject({ 'dall-e-3': 'sd-turbo', mine: 'big', 'dall-e-2': 'big', 'gpt-image-1': 'big' });
  });

  it('answers to names of its own only, if told to, and leaves a model its name', () => {
    expect(read('--strict-models').aliases).toEqual({});
    expect(read('--strict-models', '--alias=dall-e-3=demo').aliases).toEqual({ 'dall-e-3': 'demo' });
    expect(read('--model', 'demo=/a', '--model', 'dall-e-2=/b').aliases).not.toHaveProperty('dall-e-2');
  });

  it('takes the key from the environment, and from a flag before that', () => {
    const env = { PLEINAIR_API_KEY: 'from env' };
    expect(readOptions([], env, '/demo')).toMatchObject({ apiKey: 'from env' });
    expect(readOptions(['--api-key', 'flag'], env, '/demo')).toMatchObject({ apiKey: 'flag' });
  });

  it.each([
    [['--port', 'x']],
    [['--queue', '-1']],
    [['--memory', 'much']],
    [['--alias', 'a=b']],
    [['--colour']],
    [['--sizes', 'any']],
    [['--public-url', 'example.org']],
  ])('refuses %j with words', (args) => {
    expect(() => read(...args)).toThrow(UsageError);
  });
});
