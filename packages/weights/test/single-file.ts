import { toHalfArray } from '@pleinair/tensor';
import { encodeSafetensors, openComponent, readTensor, type ModelSource, type TensorToWrite } from '../src/index.js';
import type { ModelNames } from './checkpoint-names.js';

/**
 * A model in diffusers layout as the tensors of a single file, by the names that Python wrote down: tensors laid one behind
 * the other, turned, or as they are.
 */
export async function singleFileTensors(
  model: ModelSource,
  names: ModelNames,
  dtype: 'F32' | 'F16' | 'BF16',
): Promise<TensorToWrite[]> {
  const components = new Map(
    await Promise.all(
      Object.keys(names.parts).map(
        async (part) => [part, await openComponent(model, part, { prefer: 'full' })] as const,
      ),
    ),
  );
  return Promise.all(
    Object.entries(names.file).map(
      async ([
        name,
        {
          shape,
          of: [part, ...pieces],
          transposed,
        },
      ]) => {
        const size = shape.reduce((product, length) => product * length, 1);
        const values = new Float32Array(size);
        let at = 0;
        for (const piece of pieces) {
          const stored = await readTensor(components.get(part!)!.entries.get(piece)!.file, piece);
          values.set(transposed ? turned(stored.values, stored.shape[0]!) : stored.values, at);
          at += stored.values.length;
        }
        return { name, dtype, shape, data: encoded(values, dtype) };
      },
    ),
  );
}

/** Such a file in memory. */
export async function singleFileBlob(...of: Parameters<typeof singleFileTensors>): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of encodeSafetensors(await singleFileTensors(...of))) pieces.push(piece.slice());
  return new Blob(pieces);
}

function turned(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** Floats in a stored type; bfloats are cut off, not rounded. */
function encoded(values: Float32Array<ArrayBuffer>, dtype: 'F32' | 'F16' | 'BF16'): ArrayBufferView {
  if (dtype === 'F32') return values;
  if (dtype === 'F16') return toHalfArray(values);
  return Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
}
