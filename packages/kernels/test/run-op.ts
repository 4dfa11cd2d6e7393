import {
  compileProgram,
  fromHalfArray,
  toHalfArray,
  type CompileProgramOptions,
  type Device,
  type Graph,
  type WritableData,
} from '@pleinair/tensor';
import { runProgram } from './run-program.js';

/** Inputs and weights of a graph by name, dense, as numbers. */
export interface OpData {
  readonly inputs?: Readonly<Record<string, WritableData>>;
  readonly weights?: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
}

/** What a run left in the outputs asked for. */
export type OpResults = Record<string, Float32Array | Uint32Array | Int32Array>;

/** Compiles a graph of one segment `run`, runs it on its data as {@link runProgram} does and reads tensors back. */
export async function runOp(
  g: Graph,
  device: Device,
  data: OpData,
  outputs: readonly string[],
  options: CompileProgramOptions = {},
): Promise<OpResults> {
  const program = await compileProgram(g, device, options);
  try {
    await runProgram(program, Object.entries(data.inputs ?? {}), ({ source: { name } }) => {
      const values = data.weights?.[name];
      if (!values) throw new Error(`runOp: expected values for weight "${name}", got none.`);
      return values;
    });
    const results: OpResults = {};
    for (const name of outputs) results[name] = await program.read(name);
    return results;
  } finally {
    program.dispose();
  }
}

/** Values as an f16 tensor holds them, so that references read what the kernel reads. */
function halves(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  return fromHalfArray(toHalfArray(values));
}

/** `values` as a tensor of this dtype holds them. */
export function stored(values: Float32Array<ArrayBuffer>, dtype: 'f16' | 'f32'): Float32Array<ArrayBuffer> {
  return dtype === 'f16' ? halves(values) : values;
}
