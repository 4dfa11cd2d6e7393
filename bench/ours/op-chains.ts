import {
  compileProgram,
  Graph,
  plainRows,
  WeightScope,
  WeightStore,
  type Device,
  type Program,
  type ProgramPlan,
  type Tensor,
} from '@pleinair/tensor';
import type { Chain, Chains } from '../measure/chain.js';
import type { OpCase } from '../ops/op-case.js';
import { inputValues, stored, weightValues } from '../ops/values.js';

/** Links take turns with this many sets of weights. */
export const weightSets = 2;

/** How ours is to be run. */
export interface OursOptions {
  readonly dtype: 'f32' | 'f16';
  /** Force variants whose name holds this text, where a kernel has a choice. */
  readonly pick?: string;
}

/** Chains of an operation on our side. */
export class OursChains implements Chains {
  readonly name = 'pleinair';
  private readonly plans = new Map<number, ProgramPlan>();

  constructor(
    private readonly device: Device,
    private readonly op: OpCase,
    private readonly options: OursOptions,
  ) {}

  async build(length: number): Promise<Chain & { output(): Promise<Float32Array> }> {
    const { pick } = this.options;
    const store = new WeightStore(this.device);
    const program = await compileProgram(this.record(length), this.device, {
      weights: store,
      pick: pick === undefined ? undefined : (_key, variants) => variants.find((name) => name.includes(pick)),
    });
    await fillWeights(program);
    for (const [name, tensor] of program.plan.graph.names) {
      if (name !== 'y') program.write(name, inputValues(name, tensor.shape));
    }
    this.plans.set(length, program.plan);
    return {
      length,
      run: () => program.run('run'),
      output: async () => Float32Array.from((await program.read('y')) as Float32Array),
      dispose: async () => {
        program.dispose();
        store.dispose();
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
    const weight = new Map<string, number>();
    for (const { dispatches } of short.plan.segments[0]!.nodes) {
      for (const { kernel, flops } of dispatches) weight.set(kernel.name, (weight.get(kernel.name) ?? 0) + flops);
    }
    const kernels = [...weight].sort(([, a], [, b]) => b - a).map(([name]) => name);
    return { flops: of('flops'), bytesMoved: of('bytesMoved'), kernels };
  }

  private record(length: number): Graph {
    const g = new Graph(this.op.suite, { dtype: this.options.dtype });
    g.segment('run');
    const sides = new Map<string, Tensor>();
    let x = g.input('x', this.op.input);
    for (let i = 0; i < length; i++) {
      const scope = new WeightScope(g, `set${i % weightSets}`);
      x = this.op.ours(
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
        x,
      );
    }
    g.output('y', x);
    return g;
  }
}

async function fillWeights(program: Program): Promise<void> {
  for (const weight of program.weights) {
    const { name, shape } = weight.source;
    const values = stored(weightValues(name, shape), weight.storage);
    await program.uploadWeight(weight, weight.layout.pack(values, 0, shape[0]!, shape));
  }
}
