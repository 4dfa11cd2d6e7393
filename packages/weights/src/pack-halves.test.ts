import { plainRows, toHalfBits, type Weight, type WeightLayout, type WeightStorage } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { modelOf, safetensorsFile } from '../test/fixtures.js';
import { CollectedWeights, columns, weightsOf } from '../test/gpu-stand-in.js';
import { openComponent } from './component.js';
import { loadWeights } from './load.js';
import { packHalves } from './pack-halves.js';

type Case = readonly [shape: readonly number[], layout: WeightLayout, storage: WeightStorage];

/** Values that tell elements apart. */
function halvesOf(shape: readonly number[]): Uint16Array<ArrayBuffer> {
  const length = shape.reduce((a, b) => a * b, 1);
  return Uint16Array.from({ length }, (_, i) => toHalfBits(((i * 7) % 2039) / 1024 - 1));
}

describe('packHalves', () => {
  it.each<Case>([
    [[5, 3], plainRows, 'f16'],
    [[5, 3], columns(4), 'f32'],
    [[33, 2, 3, 3], columns(32), 'f16'],
    [[7], plainRows, 'f32'],
    [[], plainRows, 'f16'],
    [[0, 4], plainRows, 'f16'],
    [[600_000, 4], plainRows, 'f16'], // more than one band
  ])('lays %j out as loading it from a file does', async (shape, layout, storage) => {
    const data = halvesOf(shape);
    const [weight] = weightsOf([['w', shape, layout, storage]]) as [Weight];
    const file = await safetensorsFile([{ name: 'w', dtype: 'F16', shape, data }]);
    const component = await openComponent(modelOf({ 'unet/model.safetensors': file }), 'unet');
    const loaded = new CollectedWeights();
    await loadWeights([weight], component, { upload: loaded.upload });
    const packed = new CollectedWeights();
    for (const piece of packHalves(weight, data)) packed.upload(weight, piece);
    expect(packed.complete([weight])).toBe(true);
    const [bytes, expected] = [packed, loaded].map(({ buffers }) => {
      const values = buffers.get(weight) ?? new Uint16Array(0);
      return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    });
    expect(bytes!.equals(expected!)).toBe(true); // in one go: millions of them
  });

  it('refuses another number of values, and weights that are palettized on the GPU', () => {
    const [weight] = weightsOf([['w', [4, 4], plainRows]]) as [Weight];
    expect(() => [...packHalves(weight, new Uint16Array(12))]).toThrow(
      expect.objectContaining({ code: 'weights/shape-mismatch' }),
    );
    const palettized = { ...weight, palette: { bits: 4 } } as Weight;
    expect(() => [...packHalves(palettized, new Uint16Array(16))]).toThrow(
      expect.objectContaining({ code: 'weights/palettized' }),
    );
  });
});
