import {
  bytesPerElement,
  compileProgram,
  Graph,
  plainRows,
  planProgram,
  WeightScope,
  WeightStore,
  type Device,
  type PlanOptions,
  type Program,
  type ProgramPlan,
  type Tensor,
} from '@pleinair/tensor';
import type { OpCase } from '../ops/op-case.js';
import { inputShape } from '../ops/op-spec.js';
import { recordOp } from '../ops/record-op.js';
import { decodedValues, palettizedPieces, palettizedValues } from '../ops/palettized-values.js';
import { inputValues, stored, weightValues } from '../ops/values.js';
import type { OutputChain, OutputChains } from '../suites/context.js';
import { kernelNames, variantNames, variantThatRuns, type Pick } from './variants.js';

/** Links take turns with this many sets of weights. */
export const weightSets = 2;

/** Room for some slices of Winograd's transformed tiles at 640 channels. */
const leastScratchBytes = 4 * 2 ** 20;

/**
 * What a model would leave to the operation. Around the nodes of SDXL's UNet its arena leaves some four of its largest
 * tensors (128² pixels of 320 channels) for scratch, where a chain alone would leave nothing; divided as the shape is, but
 * for a floor: what is transformed at a time has the shape's channels, which are never divided.
 * Weights may be laid out larger than they are, as in models that stay on the GPU; not beside palettized ones, which serve
 * those that lack the memory.
 */
export function planOptions({ divisor, palette }: OpCase, dtype: 'f32' | 'f16'): PlanOptions {
  const largest = 128 * 128 * 320 * bytesPerElement(dtype);
  const scratchBytes = Math.max(leastScratchBytes, Math.floor((4 * largest) / divisor ** 2));
  return { scratchBytes, transformedWeights: palette === undefined };
}

/** How ours is to be run. */
export interface OursOptions {
  readonly dtype: 'f32' | 'f16';
  /** Which variants to take where a kernel has a choice; else those that a user would get. */
  readonly pick?: Pick;
  /** What the chains are called, e.g. after the variant they force. */
  readonly name?: string;
  /** Weights to share with other chains of the same operation; its owner disposes it. */
  readonly store?: WeightStore;
  /** Palettized weights as the half floats they stand for. */
  readonly decoded?: boolean;
  readonly signal?: AbortSignal;
}

/** Chains of an operation on our side. */
export class OursChains implements OutputChains {
  readonly name: string;
  /** Learns from this engine's chains alone. */
  private readonly pacer: Device['pacer'];
  private readonly plans = new Map<number, ProgramPlan>();

  constructor(
    private readonly device: Device,
    private readonly op: OpCase,
    private readonly options: OursOptions,
  ) {
    this.name = options.name ?? 'pleinair';
    this.pacer = device.pacer.fork();
  }

  /** All variants that the operation's kernels have a choice among on this device. */
  variants(): string[] {
    return variantNames(this.planLink);
  }

  /** The variant that runs, as lowered; the kernels' names where there is no choice. */
  variant(): string {
    return variantThatRuns(this.planLink, this.options.pick);
  }

  private readonly planLink = (pick: Pick): ProgramPlan =>
    planProgram(this.record(1), this.device.profile, { ...planOptions(this.op, this.options.dtype), pick });

  async build(length: number): Promise<OutputChain> {
    const { pick, signal, store: shared } = this.options;
    const store = shared ?? new WeightStore(this.device);
    const options = { ...planOptions(this.op, this.options.dtype), weights: store, pick, signal };
    const program = await compileProgram(this.record(length), this.device, options);
    await fillWeights(program, this.op);
    for (const [name, tensor] of program.plan.graph.names) {
      if (name !== 'y') program.write(name, inputValues(name, tensor.shape));
    }
    this.plans.set(length, program.plan);
    return {
      length,
      run: () => program.run('run', { pacer: this.pacer, signal }),
      output: async () => Float32Array.from((await program.read('y')) as Float32Array),
      dispose: async () => {
        program.dispose();
        if (!shared) store.dispose();
        await this.device.gpu.queue.onSubmittedWorkDone();
      },
    };
  }

  /** What one link does, and the kernels that do it, the heaviest first: from the plans of the chains built. */
  link(): { flops: number; bytesMoved: number; kernels: string[] } {
    const [short, long] = [...this.plans].sort(([a], [b]) => a - b).map(([length, plan]) => ({ length, plan }));
    if (!short || !long) throw new Error(`${this.op.shape}: expected two chains to be built, got one.`);
    const of = (key: 'flops' | 'bytesMoved'): number =>
      (long.plan.segments[0]![key] - short.plan.segments[0]![key]) / (long.length - short.length);
    return { flops: of('flops'), bytesMoved: of('bytesMoved'), kernels: kernelNames(short.plan) };
  }

  /** Bytes of the weights of one link, as they lie on the GPU. */
  weightsBytes(): number {
    return this.planLink(this.options.pick ?? (() => undefined)).weightsBytes;
  }

  /** The work of one link, as planned. */
  work(): { flops: number; bytesMoved: number } {
    const { flops, bytesMoved } = this.planLink(this.options.pick ?? (() => undefined)).segments[0]!;
    return { flops, bytesMoved };
  }

  /** A chain as a graph, its one segment called `run`. */
  record(length: number): Graph {
    const { palette, suite, spec } = this.op;
    const { dtype, decoded } = this.options;
    const g = new Graph(suite, {
      dtype,
      weightStorage: palette ? 'f16' : dtype,
      palettes: () => (decoded ? undefined : palette),
    });
    g.segment('run');
    const sides = new Map<string, Tensor>();
    let x = g.input('x', inputShape(spec));
    for (let i = 0; i < length; i++) {
      const scope = new WeightScope(g, `set${i % weightSets}`);
      x = recordOp(
        {
          g,
          scope,
          side(name, shape) {
            const tensor = sides.get(name) ?? g.input(name, shape);
            sides.set(name, tensor);
            return tensor;
          },
          vector: (name, n) => scope.weight(name, [n], plainRows),
        },
        spec,
        x,
      );
    }
    g.output('y', x);
    return g;
  }
}

async function fillWeights(program: Program, { palette }: OpCase): Promise<void> {
  for (const weight of program.weights) {
    if (program.store.isFilled(weight)) continue;
    const { name, shape } = weight.source;
    const packed = palette && shape.length > 1 ? palettizedValues(name, shape, palette.bits) : undefined;
    if (packed && weight.palette) {
      await program.uploadWeight(weight, palettizedPieces(weight, packed));
      continue;
    }
    const values = stored(packed ? decodedValues(packed, shape) : weightValues(name, shape), weight.storage);
    await program.uploadWeight(weight, weight.layout.pack(values, 0, shape[0]!, shape));
  }
}
