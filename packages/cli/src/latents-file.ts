import { encodeSafetensors } from '@pleinair/weights';
import type { GenerateResult } from 'pleinair';
import { writeNewFile } from './output-file.js';

/** Writes final latents as safetensors: `latents` F32 `[n, 4, h/8, w/8]`, still scaled. Returns the path. */
export async function writeLatents(path: string, result: GenerateResult): Promise<string> {
  const { images, width, height } = result;
  const size = images[0]!.latents.length;
  const data = new Float32Array(images.length * size);
  images.forEach(({ latents }, i) => data.set(latents, i * size));
  const pieces: Uint8Array[] = [];
  const shape = [images.length, size / ((width / 8) * (height / 8)), height / 8, width / 8];
  for await (const piece of encodeSafetensors([{ name: 'latents', dtype: 'F32', shape, data }]))
    pieces.push(piece.slice());
  return writeNewFile(path, Buffer.concat(pieces));
}
