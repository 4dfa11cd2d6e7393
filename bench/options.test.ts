import { expect, it } from 'vitest';
import { readOptions } from './options.js';

it('takes ops as all op suites, and each suite once', () => {
  expect(readOptions(['conv', 'ops'])).toMatchObject({
    suites: ['conv', 'matmul', 'attention', 'norm', 'activation'],
    peers: false,
  });
});

it('measures everything when nothing is named', () => {
  expect(readOptions(['--peers'])).toMatchObject({ peers: true, dtype: 'f32', rounds: 5 });
  expect(readOptions([])).toHaveProperty('suites.length', 9);
});

it('refuses what it does not know', () => {
  expect(() => readOptions(['convolution'])).toThrow(/among ops, matmul.*got convolution/);
  expect(() => readOptions(['--dtype', 'bf16'])).toThrow(/--dtype to be f32, f16, got bf16/);
  expect(() => readOptions(['--scale', 'tiny'])).toThrow(/full, reduced, least, got tiny/);
  expect(() => readOptions(['--tune', 'yes'])).toThrow(/off, quick, full/);
  expect(() => readOptions(['--peers', '--variants'])).toThrow(/one after the other/);
  expect(() => readOptions(['--rounds', '1'])).toThrow(/from 3 on/);
  expect(() => readOptions(['--peer'])).toThrow();
});
