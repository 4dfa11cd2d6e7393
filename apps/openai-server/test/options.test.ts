import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from '../src/options.js';

const read = (...args: string[]) => readOptions(args, {}, '/demo') as Exclude<ReturnType<typeof readOptions>, 'help'>;

describe('the command line', () => {
  it('has a default for everything', () => {
    const { models, ...rest } = read();
    expect([...models]).toEqual([['demo', '/demo']]);
    expect(rest).toEqual({
      aliases: {},
      host: '127.0.0.1',
      port: 8188,
      apiKey: undefined,
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
      '--alias=dall-e-3=big',
    );
    expect([...models]).toEqual([
      ['big', 'https://example.org/sdxl?key=a'],
      ['sd-turbo', '/models/sd-turbo/'],
    ]);
    expect(aliases).toEqual({ 'dall-e-3': 'big' });
  });

  it('takes the key from the environment, and from a flag before that', () => {
    const env = { PLEINAIR_API_KEY: 'from env' };
    expect(readOptions([], env, '/demo')).toMatchObject({ apiKey: 'from env' });
    expect(readOptions(['--api-key', 'flag'], env, '/demo')).toMatchObject({ apiKey: 'flag' });
  });

  it.each([[['--port', 'x']], [['--queue', '-1']], [['--memory', 'much']], [['--alias', 'a=b']], [['--colour']]])(
    'refuses %j with words',
    (args) => {
      expect(() => read(...args)).toThrow(UsageError);
    },
  );
});
