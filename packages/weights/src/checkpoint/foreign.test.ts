import { describe, expect, it } from 'vitest';
import { failureOf, modelOf, safetensorsFile, floats } from '../../test/fixtures.js';
import { openSafetensors } from '../index.js';

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
const behind = (head: readonly number[]): Uint8Array<ArrayBuffer> => {
  const file = new Uint8Array(4096);
  file.set(head);
  return file;
};
const tar = (): Uint8Array<ArrayBuffer> => {
  const file = new Uint8Array(1024);
  file.set(text('pickle\0'), 0);
  file.set(text('ustar'), 257);
  return file;
};

describe('a file that is no safetensors file, whatever it is called', () => {
  it.each<[string, string, RegExp, Uint8Array<ArrayBuffer>]>([
    // torch.save since 1.6 writes a ZIP, before that a bare pickle, before that a tar.
    [
      "today's torch.save",
      'weights/pickle',
      /pickle.*never opened here.*save_file/s,
      behind([0x50, 0x4b, 3, 4, 0, 0, 8, 8]),
    ],
    ['an old torch.save', 'weights/pickle', /pickle/, behind([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9])],
    ['a very old torch.save', 'weights/pickle', /pickle/, tar()],
    ['GGUF', 'weights/foreign-format', /GGUF/, behind([0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0])],
    ['a page', 'weights/foreign-format', /web page/, text('<!DOCTYPE html><html><body>Sign in</body></html>')],
    [
      'a pointer',
      'weights/foreign-format',
      /git lfs pull/,
      text('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
    ],
  ])('%s is told by its first bytes', async (_, code, message, bytes) => {
    for (const name of ['model.ckpt', 'model.safetensors', 'model']) {
      const error = await failureOf(openSafetensors(modelOf({ [name]: bytes }), name));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message.startsWith(`${name}: expected a safetensors file, got `)).toBe(true);
    }
  });

  it('does not mind what a safetensors file is called', async () => {
    const bytes = await safetensorsFile([floats('a', [3])]);
    const { entries } = await openSafetensors(modelOf({ 'model.ckpt': bytes }), 'model.ckpt');
    expect([...entries.keys()]).toEqual(['a']);
  });
});
