import { describe, expect, it } from 'vitest';
import { embeddingOption, loraOption } from './adapter-options.js';

describe('--lora', () => {
  it.each([
    ['a.safetensors', { source: 'a.safetensors' }],
    ['a.safetensors:0.8', { source: 'a.safetensors', scale: 0.8 }],
    ['dir/a b.safetensors:-1', { source: 'dir/a b.safetensors', scale: -1 }],
    ['C:\\loras\\a.safetensors', { source: 'C:\\loras\\a.safetensors' }],
    ['C:\\loras\\a.safetensors:.5', { source: 'C:\\loras\\a.safetensors', scale: 0.5 }],
    ['https://example.org/a.safetensors:2', { source: 'https://example.org/a.safetensors', scale: 2 }],
    ['http://localhost:8080/a.safetensors', { source: 'http://localhost:8080/a.safetensors' }],
    ['odd:name', { source: 'odd:name' }],
  ])('%s', (text, expected) => {
    expect(loraOption(text)).toEqual([expected]);
  });

  it('repeats, and refuses nothing', () => {
    expect(loraOption('b:2', loraOption('a'))).toEqual([{ source: 'a' }, { source: 'b', scale: 2 }]);
    expect(() => loraOption(' ')).toThrow(/expected FILE/);
  });
});

describe('--embedding', () => {
  it('takes names and files, each name once', () => {
    expect(embeddingOption('b=y=z', embeddingOption('<a>=x'))).toEqual({ '<a>': 'x', b: 'y=z' });
    for (const wrong of ['x', '=x', 'x=']) expect(() => embeddingOption(wrong)).toThrow(/NAME=FILE/);
    expect(() => embeddingOption('a=1', { a: '2' })).toThrow(/each name once/);
  });
});
