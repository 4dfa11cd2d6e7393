import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { linearWeight } from '../test/ops.js';
import { bufferUsage, mapModeRead } from './gpu-flags.js';
import { Graph, requestDevice, WeightStore, type Device, type PackedPiece, type Weight } from './index.js';

let device: Device;
beforeAll(async () => void (device = await requestDevice()));
afterAll(() => device.destroy());

/** Three rows of 5, each padded to 8. */
let small: Weight;
let other: Weight;
let huge: Weight;
let store: WeightStore;
let held: number;
beforeEach(() => {
  const g = new Graph('weights', { dtype: 'f32' });
  small = linearWeight(g, 'small', 3, 5);
  other = linearWeight(g, 'other', 7, 9);
  huge = linearWeight(g, 'huge', 2 ** 24, 2 ** 24);
  store = new WeightStore(device);
  held = device.memory.current.weights;
});

const piece = (elementOffset: number, length: number): PackedPiece => ({
  elementOffset,
  values: new Float32Array(length).fill(1),
});

/** What a buffer of a store holds. */
async function floatsOf(buffer: GPUBuffer): Promise<Float32Array> {
  const { gpu } = device;
  const usage = bufferUsage.mapRead | bufferUsage.copyDst;
  const staging = await device.createBuffer('staging', buffer.size, usage, 'read');
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging.gpu, 0, buffer.size);
  gpu.queue.submit([encoder.finish()]);
  await staging.gpu.mapAsync(mapModeRead);
  const floats = new Float32Array(staging.gpu.getMappedRange().slice(0));
  staging.destroy();
  return floats;
}

const heldByStore = (): number => device.memory.current.weights - held;

describe('a weight store', () => {
  test('takes a weight for filled once every element came, in any order, in one call or in many', async () => {
    expect(small.byteLength).toBe(24 * 4);
    await store.allocate([small, other]);
    expect(store.isFilled(small)).toBe(false);
    await store.upload(small, [piece(16, 8), piece(16, 8)]);
    await store.upload(small, [piece(0, 8)]);
    expect(store.isFilled(small)).toBe(false);
    expect(() => store.buffer(small)).toThrow(/small: expected to be on the GPU, got 16 of its 24 elements/);
    await store.upload(small, [piece(4, 12)]);
    expect(store.isFilled(small)).toBe(true);
    expect(store.buffer(small).size).toBe(small.byteLength);
    await store.upload(small, [piece(0, 8)]); // the same bytes again
    expect([store.isFilled(small), store.isFilled(other)]).toEqual([true, false]);
    expect(store.release([small])).toBe(small.byteLength);
    await store.upload(small, [piece(0, 8)]);
    expect(store.isFilled(small)).toBe(false);
    store.dispose();
  });

  test('replaces a weight in its own buffer', async () => {
    await store.upload(small, [piece(0, 24)]);
    const { generation } = store;
    const buffer = store.buffer(small);
    const values = Float32Array.from({ length: 24 }, (_, i) => i);
    await store.replace(small, [
      { elementOffset: 8, values: values.slice(8) },
      { elementOffset: 0, values: values.slice(0, 8) },
    ]);
    expect(store.buffer(small)).toBe(buffer);
    expect(store.generation).toBe(generation);
    expect(await floatsOf(buffer)).toEqual(values);
    await store.replace(other, [{ elementOffset: 0, values: new Float32Array(7 * 12) }]);
    expect(store.isFilled(other)).toBe(true); // it need not have been there
    store.dispose();
  });

  test.each([
    ['breaks off', [piece(0, 8)], true, 'the disk went away'],
    [
      'leaves elements out',
      [piece(0, 8), piece(16, 8)],
      false,
      /small: expected pieces for all its 24 elements, got 16/,
    ],
  ] as const)('has no weight after a replacement that %s', async (_, given, breaks, message) => {
    await store.upload(small, [piece(0, 24)]);
    const { generation } = store;
    function* pieces(): Generator<PackedPiece> {
      yield* given;
      if (breaks) throw new Error('the disk went away');
    }
    await expect(store.replace(small, pieces())).rejects.toThrow(message);
    expect(() => store.buffer(small)).toThrow(/small: expected to be on the GPU, got no buffer/);
    expect(store.generation).toBeGreaterThan(generation); // whoever has it bound must bind anew
    expect(heldByStore()).toBe(0);
    store.dispose();
  });

  test('has no filled weight after a load that broke off', async () => {
    function* breaking(): Generator<PackedPiece> {
      yield piece(0, 8);
      throw new Error('the network went away');
    }
    await expect(store.upload(small, breaking())).rejects.toThrow('the network went away');
    expect(store.isFilled(small)).toBe(false);
    await store.upload(small, [piece(0, 24)]);
    expect(store.isFilled(small)).toBe(true);
    store.dispose();
    expect(heldByStore()).toBe(0);
  });

  test('keeps only what a program wants, and says what that gave back', async () => {
    await store.allocate([small, other]);
    const { generation } = store;
    expect(store.keepOnly([small])).toBe(other.byteLength);
    expect(heldByStore()).toBe(small.byteLength);
    expect(store.generation).toBeGreaterThan(generation);
    expect(store.keepOnly([small, huge])).toBe(0);
    store.dispose();
  });

  test('counts what was made when another buffer cannot be, and frees it', async () => {
    await expect(store.allocate([huge, small, other])).rejects.toMatchObject({ code: 'device/limit' });
    expect(store.bytes).toBe(small.byteLength + other.byteLength);
    expect(heldByStore()).toBe(store.bytes);
    store.dispose();
    expect(heldByStore()).toBe(0);
  });

  test('frees buffers that come after it was disposed', async () => {
    const allocating = store.allocate([small, other]);
    const uploading = store.upload(small, [piece(0, 24)]);
    expect(heldByStore()).toBe(small.byteLength + other.byteLength);
    store.dispose();
    await expect(allocating).rejects.toMatchObject({ code: 'weight/store-disposed' });
    await expect(uploading).rejects.toMatchObject({ code: 'weight/store-disposed' });
    expect(heldByStore()).toBe(0);
    expect([store.bytes, store.isFilled(small)]).toEqual([0, false]);
    await expect(store.upload(small, [])).rejects.toMatchObject({ code: 'weight/store-disposed' });
  });

  test.each([
    ['disposed', 'weight/store-disposed'],
    ['released', 'weight/missing'],
  ] as const)('stops an upload whose weight is %s between pieces', async (how, code) => {
    async function* pieces(): AsyncGenerator<PackedPiece> {
      yield piece(0, 8);
      if (how === 'disposed') store.dispose();
      else store.release([small]);
      await Promise.resolve();
      yield piece(8, 16);
    }
    device.gpu.pushErrorScope('validation');
    await expect(store.upload(small, pieces())).rejects.toMatchObject({ code });
    expect(await device.gpu.popErrorScope()).toBeNull(); // nothing was written to a freed buffer
    expect(heldByStore()).toBe(0);
    store.dispose();
  });
});
