import { toHalfArray, type Program, type Weight, type WritableData } from '@pleinair/tensor';
import { palettizedPieces } from './palettized.js';

/**
 * Uploads the weights of a program with a segment `run`, then writes its inputs and runs it, twice: the second run finds
 * the arena full of the first one's leavings, which no kernel may read.
 *
 * @param valuesOf - A weight's values as its checkpoint tensor has them.
 */
export async function runProgram(
  program: Program,
  inputs: Iterable<readonly [string, WritableData]>,
  valuesOf: (weight: Weight) => Float32Array<ArrayBuffer>,
): Promise<void> {
  for (const weight of program.weights) {
    const { shape } = weight.source;
    const values = valuesOf(weight);
    if (weight.palette) {
      await program.uploadWeight(weight, palettizedPieces(weight, values));
      continue;
    }
    const elements = weight.storage === 'f16' ? toHalfArray(values) : values;
    await program.uploadWeight(weight, weight.layout.pack(elements, 0, shape[0]!, shape));
  }
  const written = [...inputs];
  for (let i = 0; i < 2; i++) {
    for (const [name, values] of written) program.write(name, values);
    await program.run('run');
  }
}
