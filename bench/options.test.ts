import { expect, it } from 'vitest';
import { dtypeOf, readOptions, UsageError, type BenchOptions } from './options.js';

it('takes ops as all op suites, and each suite once', () => {
  expect(readOptions(['conv', 'ops'])).toMatchObject({
    suites: ['conv', 'matmul', 'attention', 'norm', 'activation'],
    peers: false,
  });
});

it('measures everything when nothing is named', () => {
  expect(readOptions(['--peers'])).toMatchObject({ peers: true, rounds: 5 });
  const all = readOptions([]);
  expect(all).toHaveProperty('suites.length', 10);
  // These take many minutes.
  for (const name of ['vae-tiled', 'tune', 'sdxl-random']) {
    expect(all).not.toMatchObject({ suites: expect.arrayContaining([name]) as unknown });
    expect(readOptions([name])).toMatchObject({ suites: [name] });
  }
});

it('stores in f32 where nothing is said, but palettized shapes alone as pictures would', () => {
  const dtype = (hasHalves: boolean, ...args: string[]): string =>
    dtypeOf(readOptions(args) as BenchOptions, hasHalves);
  expect(dtype(true)).toBe('f32');
  expect(dtype(true, 'conv', 'palettized')).toBe('f32');
  expect(dtype(true, 'palettized')).toBe('f16');
  expect(dtype(false, 'palettized')).toBe('f32');
  expect(dtype(true, 'palettized', '--dtype', 'f32')).toBe('f32');
});

it('refuses what it does not know', () => {
  expect(() => readOptions(['convolution'])).toThrow(/among ops, matmul.*got convolution/);
  expect(() => readOptions(['--dtype', 'bf16'])).toThrow(/--dtype to be f32, f16, got bf16/);
  expect(() => readOptions(['--scale', 'tiny'])).toThrow(/full, reduced, least, got tiny/);
  expect(() => readOptions(['--tune', 'yes'])).toThrow(/off, quick, full/);
  expect(() => readOptions(['--peers', '--variants'])).toThrow(/one after the other/);
  expect(() => readOptions(['--rounds', '1'])).toThrow(/from 3 on/);
  expect(() => readOptions(['--peer'])).toThrow(/^bench: Unknown option '--peer'/);
  expect(() => readOptions(['--json'])).toThrow(/^bench: Option '--json <value>' argument missing/);
  for (const args of [['convolution'], ['--peer'], ['--rounds', '1'], ['--dtype', 'bf16'], ['--peers', '--variants']]) {
    expect(() => readOptions(args)).toThrow(UsageError);
  }
});
