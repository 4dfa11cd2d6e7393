import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHalfArray, toHalfArray } from './dtype.js';
import { fromDeviceBytes, toDeviceBytes } from './host-data.js';
import { tensorBytes, type Tensor } from './tensor.js';

const tensor = (shape: readonly number[], dtype: Tensor['dtype']): Tensor => ({ id: 0, name: 't', shape, dtype });

test('values come back from their bytes, padding is zero', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5), { maxLength: 4 }),
      fc.constantFrom<Tensor['dtype']>('f32', 'f16', 'u32', 'i32'),
      (shape, dtype) => {
        const t = tensor(shape, dtype);
        const count = shape.reduce((a, b) => a * b, 1);
        const values = Array.from({ length: count }, (_, i) => i + 1);
        const bytes = toDeviceBytes(t, values);
        expect(bytes.byteLength).toBe(tensorBytes(t));
        expect([...fromDeviceBytes(t, bytes.slice().buffer)]).toEqual(values);
        const nonZero = dtype === 'f16' ? new Uint16Array(bytes.slice().buffer) : new Uint32Array(bytes.slice().buffer);
        expect(nonZero.filter((v) => v !== 0).length).toBe(count);
      },
    ),
  );
});

test('halves may be given as bits', () => {
  const t = tensor([2, 3], 'f16');
  const bits = toHalfArray([1, 2, 3, 4, 5, 6]);
  expect(toDeviceBytes(t, bits)).toEqual(toDeviceBytes(t, fromHalfArray(bits)));
});

test('wrong counts and kinds are refused', () => {
  expect(() => toDeviceBytes(tensor([2, 3], 'f32'), new Float32Array(8))).toThrow(
    't: expected 6 values for [2, 3], got 8. Give them without padding.',
  );
  expect(() => toDeviceBytes(tensor([2], 'f32'), new Uint16Array(2))).toThrow(/got a Uint16Array/);
});
