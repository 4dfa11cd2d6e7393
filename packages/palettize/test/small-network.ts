import { fromHalfBits, fromHalfArray, toHalfBits } from '@pleinair/tensor';
import { seededInput, seededWeight } from '@pleinair/testing';
import type { TensorToWrite } from '@pleinair/weights';
import type { AnalysisEngine, LayerForm, MeasureOptions } from '../src/analyze/engine.js';
import type { LayerWeights } from '../src/analyze/layer-weights.js';
import { psnr } from '../src/analyze/psnr.js';

/** The network of `tools/reference/palettize_analysis.py`, in the same arithmetic. */
export const networkLayers: Readonly<Record<string, readonly number[]>> = {
  stem: [96, 48],
  'mid.conv': [96, 24, 1, 4],
  'mid.linear': [96, 96],
  out: [32, 96],
};

/** Layers beside a residual, and what their product is scaled by. */
const branches: Readonly<Record<string, number>> = { 'mid.conv': 1 / 16, 'mid.linear': 1 / 512 };

/** The network's weights, half floats. */
export function networkTensors(): TensorToWrite[] {
  return Object.entries(networkLayers).map(([layer, shape]) => {
    const data = new Uint16Array(shape.reduce((a, b) => a * b, 1));
    seededWeight(`${layer}.weight`, shape)(data, 0);
    return { name: `${layer}.weight`, dtype: 'F16', shape, data };
  });
}

/** Three prompts of 48 numbers. */
function promptInputs(): Float64Array[] {
  return [0, 1, 2].map((i) => {
    const halves = new Uint16Array(48);
    seededInput(`prompt.${i}`)(halves, 0);
    return Float64Array.from(fromHalfArray(halves));
  });
}

/** Runs the network on the host. Keeps count of what it is asked. */
export class SmallNetwork implements AnalysisEngine {
  readonly prompts = 3;
  runs = 0;
  readonly swaps: [string, LayerForm][] = [];
  measurements = 0;
  private readonly current = new Map<string, Float32Array>();
  private reference: Float64Array[] = [];

  private constructor(private readonly weights: LayerWeights) {}

  static async of(weights: LayerWeights): Promise<SmallNetwork> {
    const network = new SmallNetwork(weights);
    for (const layer of Object.keys(networkLayers)) await network.load(layer, 16);
    network.reference = network.outputs(true);
    return network;
  }

  async swap(layer: string, form: LayerForm): Promise<void> {
    this.swaps.push([layer, form]);
    await this.load(layer, form);
  }

  measure({ prompts = [0, 1, 2] }: MeasureOptions = {}): Promise<number[]> {
    this.measurements++;
    const outputs = this.outputs(true, prompts);
    return Promise.resolve(outputs.map((test, i) => psnr(this.reference[prompts[i]!]!, test)));
  }

  measureOriginal({ prompts = [0, 1, 2] }: MeasureOptions = {}): Promise<number[]> {
    this.measurements++;
    const exact = this.outputs(false, prompts);
    return Promise.resolve(this.outputs(true, prompts).map((test, i) => psnr(exact[i]!, test)));
  }

  private async load(layer: string, form: LayerForm): Promise<void> {
    this.current.set(layer, fromHalfArray(await this.weights.get(`${layer}.weight`, form)));
  }

  private outputs(rounding: boolean, which: readonly number[] = [0, 1, 2]): Float64Array[] {
    this.runs += which.length;
    const inputs = promptInputs();
    return which.map((prompt) => {
      let x = inputs[prompt]!;
      for (const [layer, weights] of this.current) {
        const product = multiply(weights, x);
        const scale = branches[layer];
        if (scale !== undefined) x = x.map((value, i) => value + product[i]! * scale);
        else x = layer === 'stem' ? product.map((value) => Math.max(value, 0)) : product;
        if (rounding) x = x.map((value) => fromHalfBits(toHalfBits(value)));
      }
      return x;
    });
  }
}

function multiply(matrix: Float32Array, x: Float64Array): Float64Array {
  const out = new Float64Array(matrix.length / x.length);
  for (let i = 0; i < out.length; i++) for (let k = 0; k < x.length; k++) out[i]! += matrix[i * x.length + k]! * x[k]!;
  return out;
}
