import { fileURLToPath } from 'node:url';
import { modelUrl, palettizedModelUrl } from '@pleinair/demo-model';
import { fromHalfArray } from '@pleinair/tensor';
import {
  layeredSource,
  openComponent,
  palettizedEntries,
  readPalettized,
  readTensor,
  readTensorBytes,
  storedBits,
} from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { describe, expect, it } from 'vitest';

const trained = folderSource(fileURLToPath(modelUrl));
const shipped = layeredSource([folderSource(fileURLToPath(palettizedModelUrl)), trained]);

describe('the palettized demo model', () => {
  it.each([
    ['unet', 165, 0.2],
    ['text_encoder', 13, 0.01],
    ['text_encoder_2', 20, 0.01],
  ])('has in %s the weights it was made of, %i tensors palettized', async (part, count, most) => {
    const [before, after] = await Promise.all([trained, shipped].map((source) => openComponent(source, part)));
    const palettized = palettizedEntries(after!);
    expect(palettized.size).toBe(count);
    let [power, error, bits, weights] = [0, 0, 0, 0];
    for (const [name, entry] of before!.entries) {
      const form = palettized.get(name);
      if (!form) {
        const [was, is] = await Promise.all(
          [entry, after!.entries.get(name)!].map((one) => readTensorBytes(one.file, name)),
        );
        expect(is!.entry.shape, name).toEqual(was!.entry.shape);
        expect(Buffer.compare(is!.bytes, was!.bytes), name).toBe(0);
        continue;
      }
      const { values } = await readTensor(entry.file, name);
      const decoded = fromHalfArray(await readPalettized(form));
      expect(form.shape, name).toEqual(entry.shape);
      bits += storedBits(form);
      weights += values.length;
      decoded.forEach((value, i) => {
        power += values[i]! ** 2;
        error += (value - values[i]!) ** 2;
      });
    }
    // About half of fp16. Where entries were chosen by what layers multiply, weights that matter little are off by more.
    expect(bits / weights).toBeLessThan(8.5);
    expect(Math.sqrt(error / power)).toBeLessThan(most);
  });
});
