import { fromHalfArray } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import type { Component, TensorToWrite } from '@pleinair/weights';
import type { AnalysisEngine, LayerForm, MeasureOptions } from '../src/analyze/engine.js';
import type { LayerWeights } from '../src/analyze/layer-weights.js';
import { psnr } from '../src/analyze/psnr.js';
import type { InputMoments } from '../src/apply/error-feedback.js';
import { InputStatistics } from '../src/calibrate/input-statistics.js';
import { halves, singlePart } from './parts.js';

const width = 32;

/**
 * Blocks beside a stream of 32 numbers, by how wide they are inside and what they are scaled by: the wide ones matter
 * little and the narrow ones much, or the other way round.
 */
const blocks: readonly { readonly inner: number; readonly scale: number }[] = [
  { inner: 32, scale: 0.5 },
  { inner: 192, scale: 0.02 },
  { inner: 64, scale: 0.1 },
  { inner: 32, scale: 0.004 },
  { inner: 192, scale: 0.2 },
  { inner: 64, scale: 0.02 },
];

/** Both layers of every block: `[inner, 32]` and `[32, inner]`. */
export function residualPart(): Promise<Component> {
  return singlePart(
    blocks.flatMap(({ inner }, i): TensorToWrite[] => [
      halves(`blocks.${i}.up.weight`, [inner, width], 2 * i + 1),
      halves(`blocks.${i}.down.weight`, [width, inner], 2 * i + 2),
    ]),
  );
}

/**
 * A network of residual blocks, `x ← x + scale · down tanh(up x)`, run on the host in float64. Its layers differ in size
 * and in how much they matter, as those of real models do.
 */
export class ResidualNetwork implements AnalysisEngine {
  runs = 0;
  private readonly inputs: readonly Float64Array[];
  private references: readonly Float64Array[] = [];
  private readonly current = new Map<string, Float32Array>();

  private constructor(
    private readonly weights: LayerWeights,
    readonly prompts: number,
    seed: number,
    inputs: PromptKind,
  ) {
    this.inputs = Array.from({ length: prompts }, (_, i) => inputOf(seed + i, inputs));
  }

  /** @param seed - Of its prompts: prompt i is made of seed + i. */
  static async of(
    weights: LayerWeights,
    prompts: number,
    seed: number,
    inputs: PromptKind = 'alike in all directions',
  ): Promise<ResidualNetwork> {
    const network = new ResidualNetwork(weights, prompts, seed, inputs);
    for (let i = 0; i < blocks.length; i++) {
      for (const layer of ['up', 'down']) await network.swap(`blocks.${i}.${layer}`, 16);
    }
    network.references = network.inputs.map((input) => network.output(input));
    return network;
  }

  async swap(layer: string, form: LayerForm): Promise<void> {
    this.current.set(layer, fromHalfArray(await this.weights.get(`${layer}.weight`, form)));
  }

  measure({ prompts = this.inputs.map((_, i) => i) }: MeasureOptions = {}): Promise<number[]> {
    this.runs += prompts.length;
    return Promise.resolve(prompts.map((i) => psnr(this.references[i]!, this.output(this.inputs[i]!))));
  }

  /** It computes in float64 only: nothing is lost. */
  measureOriginal({ prompts = this.inputs.map((_, i) => i) }: MeasureOptions = {}): Promise<number[]> {
    return Promise.resolve(prompts.map((i) => psnr(this.references[i]!, this.references[i]!)));
  }

  /** What the inputs of its layers are like over its prompts, by the names of weights. */
  inputMoments(): ReadonlyMap<string, InputMoments> {
    const statistics = new Map<string, InputStatistics>();
    for (const input of this.inputs) {
      this.output(input, (layer, x) => {
        const tensor = `${layer}.weight`;
        const gathering = statistics.get(tensor) ?? new InputStatistics(tensor, x.length);
        statistics.set(tensor, gathering);
        gathering.add(x);
      });
    }
    return new Map([...statistics].map(([tensor, gathered]) => [tensor, gathered.moments()]));
  }

  private output(input: Float64Array, see?: (layer: string, x: Float64Array) => void): Float64Array {
    const x = input.slice();
    blocks.forEach(({ scale }, i) => {
      see?.(`blocks.${i}.up`, x);
      const inner = multiply(this.current.get(`blocks.${i}.up`)!, x).map(Math.tanh);
      see?.(`blocks.${i}.down`, inner);
      multiply(this.current.get(`blocks.${i}.down`)!, inner).forEach((value, k) => (x[k]! += scale * value));
    });
    return x;
  }
}

/** `alike in all directions` is noise; `mostly in four` has a mean and three directions far beyond it, as real layers' inputs do. */
export type PromptKind = 'alike in all directions' | 'mostly in four';

function inputOf(seed: number, kind: PromptKind): Float64Array {
  const noise = Float64Array.from(randomArray(width, seed, 1));
  if (kind === 'alike in all directions') return noise;
  const parts = [1, ...randomArray(3, seed + 100_000, 1)];
  const directions = parts.map((_, i) => randomArray(width, 7000 + i, 1));
  return noise.map((each, k) => parts.reduce((sum, part, i) => sum + part * directions[i]![k]!, 0.2 * each));
}

function multiply(matrix: Float32Array, x: Float64Array): Float64Array {
  const out = new Float64Array(matrix.length / x.length);
  for (let i = 0; i < out.length; i++) for (let k = 0; k < x.length; k++) out[i]! += matrix[i * x.length + k]! * x[k]!;
  return out;
}
