import { describe, expect, it } from 'vitest';
import { formatHubName, parseHubName, readHubName } from './hub-name.js';

describe('names of models', () => {
  it.each([
    ['stabilityai/stable-diffusion-xl-base-1.0', 'stabilityai/stable-diffusion-xl-base-1.0', 'main', undefined],
    ['a/b@fp16', 'a/b', 'fp16', undefined],
    ['a/b@refs/pr/4', 'a/b', 'refs/pr/4', undefined],
    ['hf:a/b', 'a/b', 'main', undefined],
    ['hf://a/b@v1.0', 'a/b', 'v1.0', undefined],
    ['a/b/x.safetensors', 'a/b', 'main', 'x.safetensors'],
    ['a/b/deep/x y.safetensors@main', 'a/b', 'main', 'deep/x y.safetensors'],
    ['https://huggingface.co/a/b', 'a/b', 'main', undefined],
    ['https://huggingface.co/a/b/tree/fp16', 'a/b', 'fp16', undefined],
    ['https://huggingface.co/a/b/blob/main/x%20y.safetensors', 'a/b', 'main', 'x y.safetensors'],
    ['https://hub.example/base/a', undefined, '', undefined],
    ['https://mirror.example/a/b/', 'a/b', 'main', undefined],
  ])('%s', (text, repo, revision, file) => {
    const name = parseHubName(text, 'https://mirror.example');
    expect(name).toEqual(
      repo === undefined ? undefined : file === undefined ? { repo, revision } : { repo, revision, file },
    );
  });

  it.each([
    'sdxl',
    './a/b',
    '../a',
    '/a/b',
    'a/b/c',
    'a//b',
    String.raw`C:\a\b`,
    'a/b@',
    'a/b@../x',
    'a/b/../x.safetensors',
    '',
    'a/b--c',
    'a/.b',
    'a/b@a//b',
    'https://example.org/a/b',
    'file:///a/b',
    'a/b/x.ckpt',
    'https://huggingface.co/models',
  ])('%j is none', (text) => {
    expect(parseHubName(text)).toBeUndefined();
    expect(() => readHubName(text)).toThrow(/expected a model of the Hub as owner\/name/);
  });

  it.each(['a/b', 'a/b@fp16', 'a/b/x.safetensors@fp16'])('%s is written as it is read', (text) => {
    expect(formatHubName(readHubName(text))).toBe(text);
  });
});
