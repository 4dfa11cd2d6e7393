import { open } from 'node:fs/promises';
import { toHalfBits } from '@pleinair/tensor';
import { encodeSafetensors, type TensorToWrite } from '../src/index.js';
import { checkpointNames } from './checkpoint-names.js';

/** The header of SDXL base as a single file in half floats under the names of the training code, and the file's size. */
export async function sdxlSingleFileHeader(): Promise<{
  readonly header: Uint8Array<ArrayBuffer>;
  readonly bytes: number;
}> {
  const { file } = (await checkpointNames()).sdxl;
  const shapes = Object.entries(file);
  const encoding = encodeSafetensors(
    shapes.map(([name, { shape }]): TensorToWrite => ({ name, dtype: 'F16', shape, data: () => [] })),
  );
  const { value: header } = (await encoding.next()) as { readonly value: Uint8Array<ArrayBuffer> };
  await encoding.return(undefined);
  const elements = shapes.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return { header, bytes: header.length + 2 * elements };
}

/**
 * Writes SDXL base as a single file, 6.9 GB.
 *
 * @param weights - `zeros` are holes, which take no room on the disk; `normal` weights have as many different values as
 *   trained ones, and the same ones everywhere.
 */
export async function writeSdxlSingleFile(path: string, weights: 'zeros' | 'normal'): Promise<void> {
  const { header, bytes } = await sdxlSingleFileHeader();
  const file = await open(path, 'w');
  try {
    await file.write(header);
    if (weights === 'zeros') {
      await file.truncate(bytes);
      return;
    }
    const pattern = new Uint8Array(normalHalves().buffer);
    for (let at = header.length; at < bytes; at += pattern.length) {
      const piece = pattern.subarray(0, bytes - at);
      for (let done = 0; done < piece.length;) {
        done += (await file.write(piece, done, piece.length - done, at + done)).bytesWritten;
      }
    }
  } finally {
    await file.close();
  }
}

/** Half floats before they repeat; no multiple of any tensor's size. */
const period = 8_388_593;

/** Box-Muller, deviation 0.02. */
function normalHalves(): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(period);
  let seed = 1;
  const uniform = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < period; i++) {
    halves[i] = toHalfBits(0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
  }
  return halves;
}
