import {
  compileProgram,
  fromHalfArray,
  toHalfArray,
  type CompileProgramOptions,
  type Device,
  type Graph,
  type Program,
  type WritableData,
} from '@pleinair/tensor';

/** Inputs and weights of a graph by name, dense, as numbers. */
export interface OpData {
  readonly inputs?: Readonly<Record<string, WritableData>>;
  readonly weights?: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
}

/** What a run left in the outputs asked for. */
export type OpResults = Record<string, Float32Array | Uint32Array | Int32Array>;

/**
 * Compiles a graph of one segment `run`, uploads its data, runs it twice (the second run finds the arena full of the
 * first one's leavings, which no kernel may read) and reads tensors back.
 */
export async function runOp(
  g: Graph,
  device: Device,
  data: OpData,
  outputs: readonly string[],
  options: CompileProgramOptions = {},
): Promise<OpResults> {
  const program = await compileProgram(g, device, options);
  try {
    await upload(program, data.weights ?? {});
    for (let i = 0; i < 2; i++) {
      for (const [name, values] of Object.entries(data.inputs ?? {})) program.write(name, values);
      await program.run('run');
    }
    const results: OpResults = {};
    for (const name of outputs) results[name] = await program.read(name);
    return results;
  } finally {
    program.dispose();
  }
}

async function upload(program: Program, weights: Readonly<Record<string, Float32Array<ArrayBuffer>>>): Promise<void> {
  for (const weight of program.weights) {
    const { name, shape } = weight.source;
    const values = weights[name];
    if (!values) throw new Error(`runOp: expected values for weight "${name}", got none.`);
    const elements = weight.storage === 'f16' ? toHalfArray(values) : values;
    await program.uploadWeight(weight, weight.layout.pack(elements, 0, shape[0]!, shape));
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
