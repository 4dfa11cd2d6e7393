import { describe, expect, it } from 'vitest';
import { memorySink } from './memory-sink.js';
import { fillSink } from './sink.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('memorySink', () => {
  it('gives a source of what was written, copied', async () => {
    const sink = memorySink({ name: 'trial' });
    const again = bytes('ab');
    await fillSink(sink, 4, async () => {
      await sink.write('unet/config.json', [bytes('{"a":'), bytes('1}')]);
      await sink.write(
        'weights.bin',
        (function* () {
          yield again;
          again.fill(0x7a);
          yield again;
        })(),
      );
    });
    const source = sink.source();
    expect(source.describe()).toBe('trial');
    expect(await source.readJson('unet/config.json')).toEqual({ a: 1 });
    expect(await source.readText('weights.bin')).toBe('abzz');
  });

  it('keeps only what it is told to, and does not make the rest', async () => {
    const sink = memorySink({ keeps: (path) => path.startsWith('unet/') });
    let made = false;
    await fillSink(sink, 1e12, async () => {
      await sink.write('unet/a', [bytes('a')]);
      await sink.write(
        'vae/a',
        (function* () {
          made = true;
          yield bytes('a');
        })(),
      );
    });
    expect(made).toBe(false);
    expect((await sink.source().list!()).map(({ path }) => path)).toEqual(['unet/a']);
  });

  it('refuses what is too large, before and while it is written, and then holds nothing', async () => {
    const sink = memorySink({ mostBytes: 3 });
    await expect(fillSink(sink, 4, async () => undefined)).rejects.toMatchObject({ code: 'weights/no-room' });
    await expect(fillSink(sink, 1, () => sink.write('a', [bytes('ab'), bytes('cd')]))).rejects.toMatchObject({
      code: 'weights/no-room',
    });
    expect(() => sink.source()).toThrow(expect.objectContaining({ code: 'weights/read' }) as Error);
  });

  it('stops when it is told', async () => {
    const sink = memorySink();
    await expect(sink.write('a', [bytes('a')], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
