import { expect, it } from 'vitest';
import { lockGaps } from './lock.mjs';

const wants = { version: '1.0.0', optionalDependencies: { '@a/win32': '1.0.0' } };

it('finds a binary at the root or nested above the one that wants it', () => {
  expect(lockGaps({ packages: { 'node_modules/a': wants, 'node_modules/@a/win32': {} } })).toEqual([]);
  expect(
    lockGaps({ packages: { 'node_modules/b/node_modules/a': wants, 'node_modules/b/node_modules/@a/win32': {} } }),
  ).toEqual([]);
  expect(lockGaps({ packages: { 'node_modules/a': wants, 'node_modules/a/node_modules/@a/win32': {} } })).toEqual([]);
});

it('names what is missing and who wants it', () => {
  expect(lockGaps({ packages: { 'node_modules/a': wants, 'node_modules/b/node_modules/@a/win32': {} } })).toEqual([
    'node_modules/a wants @a/win32@1.0.0, which the lock file lacks',
  ]);
});
