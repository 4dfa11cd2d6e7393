import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { OutOfMemoryError, type Device } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { folderSource } from '@pleinair/weights/node';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSdxl } from '../src/open-sdxl.js';

const source = folderSource(fileURLToPath(modelUrl));
const request = { prompt: 'a sailboat at sunset', width: 64, height: 64, seed: 1, steps: 2, scheduler: 'euler' };

/** What is done when a GPU has no room is decided on the host, the same for all; SwiftShader compiles each kernel anew. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});
afterEach(() => vi.restoreAllMocks());

/** Makes the device refuse buffers that would take it beyond so many bytes, as one with less memory would. */
function roomFor(bytes: number): { refused: number; most: number } {
  const seen = { refused: 0, most: 0 };
  const createBuffer = device.createBuffer.bind(device);
  vi.spyOn(device, 'createBuffer').mockImplementation(async (...buffer) => {
    const [, size, , label] = buffer;
    const after = device.memory.total + size;
    if (after <= bytes) {
      seen.most = Math.max(seen.most, after);
      return createBuffer(...buffer);
    }
    seen.refused++;
    throw new OutOfMemoryError(label, size);
  });
  return seen;
}

/** What runs in a mode, one after another, hold at their most, on a GPU with room enough, and its pictures. */
async function held(memory: 'low' | 'balanced' | 'resident') {
  const pipeline = await openSdxl(source, device, { memory });
  const room = roomFor(Infinity);
  await pipeline.generate(request);
  const { images } = await pipeline.generate(request); // beside what is kept of the first
  pipeline.dispose();
  vi.restoreAllMocks();
  return { latents: images[0]!.latents, bytes: room.most };
}

describe.skipIf(slow)('a GPU without room (asked of one adapter, not SwiftShader)', () => {
  it.each(['balanced', 'low'] as const)('under auto the run is begun again as %s and stays so', async (fits) => {
    const expected = await held(fits);
    const { total: before } = device.memory;
    const refused = roomFor(expected.bytes);
    const pipeline = await openSdxl(source, device, { memory: 'auto' });
    const first = await pipeline.generate(request);
    expect(refused.refused).toBeGreaterThan(0);
    expect(first.memory.mode).toBe(fits);
    expect(first.images[0]!.latents).toEqual(expected.latents);
    const told = first.notes.filter((note) => note.includes('had no room'));
    expect(told).toEqual(
      (fits === 'low' ? ['resident', 'balanced'] : ['resident']).map(
        (mode) => `The GPU had no room for memory mode ${mode}; from now on less is kept on it.`,
      ),
    );
    const refusedBefore = refused.refused;
    const second = await pipeline.generate(request);
    expect(refused.refused).toBe(refusedBefore);
    expect(second.memory.mode).toBe(fits);
    expect(second.notes.some((note) => note.includes('had no room'))).toBe(false);
    expect(second.images[0]!.latents).toEqual(expected.latents);
    pipeline.dispose();
    expect(device.memory.total).toBe(before);
  });

  it('a mode that was asked for is kept to, and the least there is ends with the error; both can be asked again', async () => {
    const resident = await held('resident');
    for (const memory of ['resident', 'auto'] as const) {
      const { total: before } = device.memory;
      const pipeline = await openSdxl(source, device, { memory });
      roomFor(1e6);
      await expect(pipeline.generate(request)).rejects.toMatchObject({ code: 'device/out-of-memory' });
      vi.restoreAllMocks();
      const again = await pipeline.generate(request);
      expect(again.memory.mode).toBe(memory === 'auto' ? 'low' : 'resident');
      if (memory === 'resident') expect(again.images[0]!.latents).toEqual(resident.latents);
      pipeline.dispose();
      expect(device.memory.total).toBe(before);
    }
  });

  it('a picture that was shown is not made a second time', async () => {
    const pipeline = await openSdxl(source, device, { memory: 'auto' });
    let shown = 0;
    const run = pipeline.generate({
      ...request,
      count: 2,
      onImage: () => {
        shown++;
        roomFor(0);
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'device/out-of-memory' });
    expect(shown).toBe(1);
    pipeline.dispose();
  });
});
