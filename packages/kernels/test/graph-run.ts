import {
  bufferUsage,
  bytesPerElement,
  compileProgram,
  fromHalfArray,
  Graph,
  rowCount,
  rowStride,
  WeightScope,
  type Device,
  type LowRankLookup,
  type PaletteLookup,
  type PlanOptions,
  type Program,
  type Tensor,
  type Weight,
} from '@pleinair/tensor';
import { randomHalves } from '@pleinair/testing';
import { palettizable } from './palettized.js';
import { runProgram } from './run-program.js';

/** A graph under test with random inputs and weights, all of them exact halves so that storage adds no error. */
export class GraphRun {
  readonly graph: Graph;
  readonly scope: WeightScope;
  private readonly values = new Map<string, Float32Array<ArrayBuffer>>();
  private readonly numbers = new Map<string, Uint32Array<ArrayBuffer>>();
  private seed = 1;

  constructor(
    dtype: 'f16' | 'f32',
    weightStorage: 'f16' | 'f32' = dtype,
    palettes?: PaletteLookup,
    lowRank?: LowRankLookup,
  ) {
    this.graph = new Graph('test', { dtype, weightStorage, palettes, lowRank });
    this.graph.segment('run');
    this.scope = new WeightScope(this.graph);
  }

  /** A random input in [-1, 1). */
  input(name: string, shape: readonly number[], dtype?: 'f16' | 'f32'): Tensor {
    const tensor = this.graph.input(name, shape, dtype);
    if (!this.values.has(name)) {
      const length = shape.reduce((a, b) => a * b, 1);
      this.values.set(name, randomHalves(length, this.seed++));
    }
    return tensor;
  }

  /** An input of whole numbers. */
  whole(name: string, shape: readonly number[], ...values: readonly number[]): Tensor {
    this.numbers.set(name, Uint32Array.from(values));
    return this.graph.input(name, shape, 'u32');
  }

  /** Takes over what inputs and weights hold in another run, by name. To be called before recording. */
  adopt(other: GraphRun): this {
    for (const [name, values] of other.values) this.values.set(name, values);
    return this;
  }

  /** What an input or a weight holds, unpadded. */
  of(what: Tensor | Weight): Float32Array<ArrayBuffer> {
    const name = 'source' in what ? what.source.name : what.name;
    const known = this.values.get(name);
    if (known) return known;
    if (!('source' in what)) throw new Error(`GraphRun: "${name}" is no input.`);
    const { shape } = what.source;
    const made = what.palette
      ? palettizable(shape, what.palette, this.seed++)
      : randomHalves(
          shape.reduce((a, b) => a * b, 1),
          this.seed++,
          0.5,
        );
    this.values.set(name, made);
    return made;
  }

  /**
   * Compiles the graph and runs it as {@link runProgram} does; gives each named tensor's values and checks that its pad
   * lanes are zero.
   */
  async run(device: Device, options: PlanOptions = {}): Promise<{ readonly program: Program; read: Reader }> {
    const program = await compileProgram(this.graph, device, options);
    const inputs = [...this.graph.names].filter(([name]) => this.values.has(name));
    await runProgram(
      program,
      [...this.numbers, ...inputs.map(([name, tensor]) => [name, this.of(tensor)] as const)],
      (weight) => this.of(weight),
    );
    return { program, read: (name) => readPadded(program, name) };
  }
}

type Reader = (name: string) => Promise<Float32Array>;

async function readPadded(program: Program, name: string): Promise<Float32Array> {
  const tensor = program.plan.graph.names.get(name);
  if (!tensor) throw new Error(`GraphRun: no tensor "${name}".`);
  const bytes = rowCount(tensor.shape) * rowStride(tensor.shape) * bytesPerElement(tensor.dtype);
  const { gpu } = program.device;
  const staging = gpu.createBuffer({ size: bytes, usage: bufferUsage.mapRead | bufferUsage.copyDst });
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(program.bufferOf(name), 0, staging, 0, bytes);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const range = staging.getMappedRange();
  const values = tensor.dtype === 'f16' ? fromHalfArray(new Uint16Array(range)) : new Float32Array(range.slice(0));
  staging.destroy();
  const stride = rowStride(tensor.shape);
  const width = tensor.shape.at(-1)!;
  const out = new Float32Array(rowCount(tensor.shape) * width);
  for (let row = 0; row < rowCount(tensor.shape); row++) {
    for (let i = 0; i < stride; i++) {
      const value = values[row * stride + i]!;
      if (i < width) out[row * width + i] = value;
      else if (value !== 0) throw new Error(`${name}: pad lane ${i} of row ${row} holds ${value}, not zero.`);
    }
  }
  return out;
}
