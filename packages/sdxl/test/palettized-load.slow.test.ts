import { execFile } from 'node:child_process';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { applyRule } from '@pleinair/palettize';
import { encodeDescription, indexShape, indicesSuffix, paletteSuffix, type TensorToWrite } from '@pleinair/weights';
import { writeSafetensors } from '@pleinair/weights/node';
import { seededWeight } from '@pleinair/testing';
import { toHalfBits } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledScript } from './bundled-script.js';
import { fullSizeNames } from './full-size-checkpoint.js';

interface Report {
  readonly adapter: string;
  readonly loadedBytes: number;
  readonly leftover: readonly string[];
  readonly filled: boolean;
  readonly weightsBytes: number;
  readonly bufferBytes: number;
  readonly rise: number;
  readonly seconds: number;
}

/** SDXL base's UNet, its candidates at 4 bits: indices and palettes made up, in pieces of a block of memory. */
async function palettizedUNet(): Promise<{ tensors: TensorToWrite[]; metadata: Record<string, string> }> {
  const names = [...(await fullSizeNames())].map(([name, shape]) => ({ name, shape, dtype: 'F16' as const }));
  const { forms } = applyRule('unet', { bits: 4 }, names);
  const palette = Uint16Array.from({ length: 16 }, (_, i) => toHalfBits((i - 7.5) / 200));
  const random = new Uint32Array(2 ** 20);
  let seed = 1;
  for (let i = 0; i < random.length; i++) random[i] = seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  const pattern = new Uint8Array(random.buffer);
  function* indices(bytes: number): Generator<Uint8Array> {
    for (let at = 0; at < bytes; at += pattern.length) yield pattern.subarray(0, Math.min(pattern.length, bytes - at));
  }
  const tensors = names.flatMap(({ name, shape, dtype }): TensorToWrite[] => {
    const form = forms.get(name);
    if (!form) {
      const data = new Uint16Array(shape.reduce((a, b) => a * b, 1));
      seededWeight(name, shape)(data, 0);
      return [{ name, dtype, shape, data }];
    }
    const packed = indexShape(form);
    return [
      { name: name + paletteSuffix, dtype: 'F16', shape: [1, 16], data: palette },
      {
        name: name + indicesSuffix,
        dtype: 'U8',
        shape: packed,
        data: () => indices(packed[0] * packed[1] * packed[2]),
      },
    ];
  });
  return { tensors, metadata: encodeDescription(forms) };
}

describe("SDXL base's UNet at full size, palettized to 4 bits", () => {
  let folder: string;
  let script: string;
  let fileBytes: number;

  beforeAll(async () => {
    ({ folder, script } = await bundledScript('palettized-load-run'));
    const { tensors, metadata } = await palettizedUNet();
    await mkdir(join(folder, 'unet'));
    const path = join(folder, 'unet', 'diffusion_pytorch_model.safetensors');
    await writeSafetensors(path, tensors, { metadata });
    await writeFile(join(folder, 'unet', 'config.json'), '{}');
    fileBytes = (await stat(path)).size;
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("loads from disk with at most 300 MB of host memory beyond the GPU's buffers", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, folder]);
    const report = JSON.parse(stdout) as Report;
    console.log(
      `${(report.loadedBytes / 1e9).toFixed(3)} GB of ${(fileBytes / 1e9).toFixed(3)} GB in ${report.seconds.toFixed(1)} s to ` +
        `${report.adapter}: buffers ${(report.bufferBytes / 1e9).toFixed(3)} GB, host memory beyond them +${(report.rise / 1e6).toFixed(1)} MB`,
    );
    expect(report.leftover).toEqual([]);
    expect(report.filled).toBe(true);
    // All of the file but its header goes up, and as it lies: no unpacked copy anywhere.
    expect(fileBytes - report.loadedBytes).toBeLessThan(1e6);
    expect(report.bufferBytes).toBe(report.weightsBytes);
    expect(report.weightsBytes / report.loadedBytes).toBeLessThan(1.001);
    expect(report.rise).toBeGreaterThan(0);
    expect(report.rise).toBeLessThan(300e6);
  }, 600_000);
});
