import { isPleinairError } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { failureOf, floats, modelOf, rawFile, safetensorsFile } from '../test/fixtures.js';
import { MissingPartError } from './errors.js';
import { readTensor, readTensorBytes } from './read-tensor.js';
import { openSafetensors } from './safetensors-file.js';

const open = (bytes: Uint8Array<ArrayBuffer>) => openSafetensors(modelOf({ 'a.safetensors': bytes }), 'a.safetensors');
const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('a right file', () => {
  it('gives entries with absolute offsets in byte order, and metadata', async () => {
    const bytes = await safetensorsFile(
      [floats('b', [2, 3]), { name: 'a', dtype: 'U8', shape: [3], data: new Uint8Array([7, 8, 9]) }, floats('s', [])],
      { made: 'here' },
    );
    const file = await open(bytes);
    expect([...file.entries.keys()]).toEqual(['b', 's', 'a']);
    expect(file.metadata).toEqual({ format: 'pt', made: 'here' });
    const b = file.entries.get('b')!;
    expect(b).toMatchObject({ dtype: 'F32', shape: [2, 3] });
    expect(b.end - b.begin).toBe(24);
    expect((await readTensor(file, 'b')).values).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
    expect((await readTensorBytes(file, 'a')).bytes).toEqual(Uint8Array.of(7, 8, 9));
    expect((await readTensor(file, 's')).shape).toEqual([]);
  });

  it('may hold empty tensors, scalars, tensors out of order and nothing at all', async () => {
    const file = await open(rawFile({ z: f32([2], 8, 16), e: f32([0, 5], 8, 8), y: f32([1, 2], 0, 8) }, 16));
    expect([...file.entries.keys()]).toEqual(['y', 'e', 'z']);
    expect((await open(rawFile({}))).entries.size).toBe(0);
  });

  it('may end its header in spaces and name tensors in any script', async () => {
    const file = await open(rawFile(`{"α.вес":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}      `, 4));
    expect(file.entries.get('α.вес')!.shape).toEqual([1, 2]);
  });

  it('refuses a tensor that is not there, or not of floats, when it is read', async () => {
    const file = await open(rawFile({ n: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8));
    await expect(readTensor(file, 'm')).rejects.toMatchObject({ code: 'weights/missing-tensor' });
    await expect(readTensor(file, 'n')).rejects.toMatchObject({ code: 'weights/unsupported-dtype' });
  });
});

describe('a wrong file', () => {
  const cases: [what: string, bytes: Uint8Array<ArrayBuffer>, code: string, says: RegExp][] = [
    ['empty', new Uint8Array(0), 'truncated', /at least 8 bytes, got 0 bytes/],
    ['of 7 bytes', new Uint8Array(7), 'truncated', /got 7 bytes/],
    ['of zeros', new Uint8Array(64), 'invalid-header', /header/],
    ['header longer than the file', rawFile({}, 0, 1000n), 'truncated', /header of 1000 bytes, got a file of 10 bytes/],
    [
      'header of 25,000,001 bytes',
      rawFile({}, 0, 25_000_001n),
      'header-too-large',
      /25000000 bytes, got a length of 25000001/,
    ],
    ['header of 2^64 - 1 bytes', rawFile({}, 0, 2n ** 64n - 1n), 'header-too-large', /18446744073709551615/],
    ['header not JSON', rawFile('{"a": nope'), 'invalid-header', /not valid JSON/],
    ['header a list', rawFile([]), 'invalid-header', /JSON object/],
    ['header null', rawFile('null'), 'invalid-header', /header/],
    ['header a number', rawFile('12'), 'invalid-header', /JSON object/],
    ['metadata of numbers', rawFile({ __metadata__: { a: 1 } }), 'invalid-header', /__metadata__/],
    ['metadata null', rawFile('{"__metadata__":null}'), 'invalid-header', /header/],
    ['tensor null', rawFile({ a: null }), 'invalid-header', /header/],
    ['tensor without offsets', rawFile({ a: { dtype: 'F32', shape: [1] } }), 'invalid-header', /"a" is malformed/],
    ['negative size', rawFile({ a: f32([-1], 0, 4) }, 4), 'invalid-header', /invalid dimension/],
    ['fractional size', rawFile({ a: f32([1.5], 0, 6) }, 6), 'invalid-header', /invalid dimension/],
    ['offsets backwards', rawFile({ a: f32([1], 4, 0) }, 4), 'invalid-header', /data_offsets/],
    [
      'unknown dtype',
      rawFile({ a: { dtype: 'Q4', shape: [1], data_offsets: [0, 1] } }, 1),
      'unknown-dtype',
      /a in one of F64.*got "Q4"/,
    ],
    [
      'dtype of a prototype',
      rawFile({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 1] } }, 1),
      'unknown-dtype',
      /"toString"/,
    ],
    ['no dtype', rawFile({ a: { shape: [1], data_offsets: [0, 4] } }, 4), 'unknown-dtype', /undefined/],
    [
      'bytes not shape × dtype',
      rawFile({ a: f32([3], 0, 8) }, 8),
      'size-mismatch',
      /a F32 \[3\] in 12 bytes, got 8 bytes/,
    ],
    [
      'odd number of 4-bit elements',
      rawFile({ a: { dtype: 'F4', shape: [3], data_offsets: [0, 2] } }, 2),
      'size-mismatch',
      /1.5 bytes/,
    ],
    ['size beyond numbers', rawFile({ a: f32([2 ** 31, 2 ** 31], 0, 4) }, 4), 'size-mismatch', /got 4 bytes/],
    [
      'overlapping tensors',
      rawFile({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
      'overlap',
      /b to start at byte \d+, where a ends/,
    ],
    ['same bytes twice', rawFile({ a: f32([2], 0, 8), b: f32([2], 0, 8) }, 8), 'overlap', /b to start/],
    ['hole', rawFile({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), 'gap', /b to start/],
    ['hole at the start', rawFile({ a: f32([1], 4, 8) }, 8), 'gap', /the header ends/],
    ['bytes at the end', rawFile({ a: f32([1], 0, 4) }, 5), 'gap', /as its header says/],
    ['cut in the data', rawFile({ a: f32([2], 0, 8) }, 7), 'truncated', /as its header says/],
    ['cut before the data', rawFile({ a: f32([2], 0, 8) }, 0), 'truncated', /as its header says/],
  ];
  it.each(cases)('%s', async (_what, bytes, code, says) => {
    const error = await failureOf(open(bytes));
    expect(isPleinairError(error)).toBe(true);
    expect(error.code).toBe(`weights/${code}`);
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^a\.safetensors: expected .*, got .*\. [A-Z].*\.$/s);
  });

  it('cut anywhere is refused', async () => {
    const whole = await safetensorsFile([floats('a', [3, 5]), floats('b', [7])]);
    for (let length = 0; length < whole.length; length += 5) {
      await expect(open(whole.slice(0, length))).rejects.toMatchObject({ code: 'weights/truncated' });
    }
    await expect(open(whole)).resolves.toBeDefined();
  });

  it('that is not there is a missing part', async () => {
    const error = await failureOf(openSafetensors(modelOf({}), 'unet/a.safetensors'));
    expect(error).toBeInstanceOf(MissingPartError);
    expect(error).toMatchObject({ code: 'weights/missing-file', tried: ['unet/a.safetensors'] });
  });
});
