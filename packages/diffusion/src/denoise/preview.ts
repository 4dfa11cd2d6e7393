import type { Program } from '@pleinair/tensor';
import { PREVIEW_SEGMENT } from './denoiser-graph.js';

/** A picture of where a run stands. */
export interface Preview {
  readonly width: number;
  readonly height: number;
  /** RGBA8, `4 · width · height` bytes. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** A rough picture of the clean latents that the last evaluation predicted, a latent pixel each. */
export async function quickPicture(
  program: Program,
  size: { readonly width: number; readonly height: number },
  signal?: AbortSignal,
): Promise<Preview> {
  await program.run(PREVIEW_SEGMENT, { signal });
  const { width, height } = size;
  const packed = (await program.read('preview')) as Uint32Array<ArrayBuffer>;
  return { width, height, rgba: new Uint8ClampedArray(packed.buffer, packed.byteOffset, packed.byteLength) };
}

/**
 * The clean latents that the last evaluation predicted, which the solver keeps in its last slot (`keepDenoised`).
 *
 * @returns `[pictures, h, w, c]`, still scaled.
 */
export async function predictedLatents(program: Program, slots: number): Promise<Float32Array<ArrayBuffer>> {
  const planes = (await program.read('planes')) as Float32Array<ArrayBuffer>;
  return planes.slice((planes.length / (1 + slots)) * slots);
}
