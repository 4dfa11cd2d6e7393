import { expect, it } from 'vitest';
import { bytes, float, message, varint } from './protobuf.js';

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

// The examples of protobuf.dev/programming-guides/encoding.
it('writes whole numbers', () => {
  expect(hex(varint(1, 150))).toBe('089601');
  expect(hex(varint(1, -2))).toBe('08feffffffffffffffff01');
});

it('writes strings and messages', () => {
  expect(hex(bytes(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(message(3, [varint(1, 150)]))).toBe('1a03089601');
});

it('writes floats, little end first', () => {
  expect(hex(float(1, 1))).toBe('0d0000803f');
});
