import { createHash } from 'node:crypto';
import { encodeSafetensors } from '@pleinair/weights';
import { describe, expect, it } from 'vitest';
import { calibrationTensors, type Calibration } from './calibration.js';
import { readCalibrationBlob } from './read-calibration-blob.js';

const calibration: Calibration = new Map([
  ['a.weight', { rest: Float64Array.of(1, 2, 0.5), directions: [Float64Array.of(-1, 0, 3)] }],
  ['b.weight', { rest: Float64Array.of(4), directions: [] }],
]);

async function written(): Promise<Blob> {
  const { tensors, metadata } = calibrationTensors(calibration, { settings: 'these', runs: 24 });
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of encodeSafetensors(tensors, { metadata })) pieces.push(piece.slice());
  return new Blob(pieces);
}

describe('readCalibrationBlob', () => {
  it('reads what a recipe file names', async () => {
    const blob = await written();
    const sha256 = createHash('sha256')
      .update(new Uint8Array(await blob.arrayBuffer()))
      .digest('hex');
    expect(await readCalibrationBlob(blob, 'r.safetensors', { file: 'r.safetensors', sha256 })).toEqual(calibration);
  });

  it('refuses another file', async () => {
    const reference = { file: 'r.safetensors', sha256: 'ab'.repeat(32) };
    await expect(readCalibrationBlob(await written(), 'mine.safetensors', reference)).rejects.toMatchObject({
      code: 'recipe/other-calibration',
      message: expect.stringMatching(/^mine\.safetensors: expected r\.safetensors/) as string,
    });
  });
});
