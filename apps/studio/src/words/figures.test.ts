import { expect, it } from 'vitest';
import { bytesInWords, timeInWords } from './figures.js';

it('says bytes with as many digits as matter', () => {
  expect([999, 12_345, 123_456, 9_500_000, 152_200_000, 2.5e9, 52.4e9].map(bytesInWords)).toEqual([
    '999 B',
    '12.3 kB',
    '123 kB',
    '9.5 MB',
    '152 MB',
    '2.50 GB',
    '52 GB',
  ]);
});

it('says times as people do', () => {
  expect([0.42, 12.4, 75, 90, 119.7, 3599, 3661, 7200].map(timeInWords)).toEqual([
    '0.4 s',
    '12 s',
    '75 s',
    '1 min 30 s',
    '2 min 00 s',
    '59 min 59 s',
    '1 h 01 min',
    '2 h 00 min',
  ]);
  expect(timeInWords(Infinity)).toBe('');
});
