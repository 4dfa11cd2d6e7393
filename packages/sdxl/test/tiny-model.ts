import { fileURLToPath } from 'node:url';
import { compileProgram, type Graph, type PlanOptions, type Program } from '@pleinair/tensor';
import { readGolden, testDevice, type Golden } from '@pleinair/testing';
import { loadWeights, openComponent, type ModelSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';

/** The folder that tools/reference/tiny_sdxl.py wrote. */
export const tinyFolder = fileURLToPath(new URL('../../testing/goldens/tiny-sdxl', import.meta.url));

/** Error limits against diffusers, relative RMS: a part alone, and after 20 steps. */
export const limits = { f32: { part: 1e-4, whole: 2e-3 }, f16: { part: 1e-2, whole: 5e-2 } } as const;

export function tinySource(): ModelSource {
  return folderSource(tinyFolder);
}

export function tinyGoldens(): Promise<Golden> {
  return readGolden(`${tinyFolder}/goldens.safetensors`);
}

/** Compiles a graph on the test device and loads its weights from a folder of the tiny model. */
export async function programFor(graph: Graph, folder: string, options: PlanOptions = {}): Promise<Program> {
  const program = await compileProgram(graph, await testDevice(), options);
  const component = await openComponent(tinySource(), folder, { prefer: 'full' });
  await loadWeights(program.weights, component, { upload: (weight, piece) => program.uploadWeight(weight, [piece]) });
  return program;
}

/** `[b, c, ...pixels]` → `[b, ...pixels, c]`. */
export function channelsLast(values: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const [batch, channels] = shape as [number, number];
  const pixels = shape.slice(2).reduce((a, b) => a * b, 1);
  const out = new Float32Array(values.length);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) out[(b * pixels + p) * channels + c] = values[(b * channels + c) * pixels + p]!;
    }
  }
  return out;
}
