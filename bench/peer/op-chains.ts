import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Chain, Chains } from '../measure/chain.js';
import { fromPeer, peerShape, toPeer, transposed } from '../ops/layout.js';
import type { OpCase, PeerRecorder } from '../ops/op-case.js';
import { inputValues, stored, weightValues } from '../ops/values.js';
import { weightSets } from '../ours/op-chains.js';
import { OnnxGraph } from './onnx-graph.js';
import type { Onnxruntime } from './onnxruntime.js';

/** Chains of an operation in the peer: one ONNX model a length, whose inner tensors never leave the GPU. */
export class PeerChains implements Chains {
  constructor(
    private readonly runtime: Onnxruntime,
    private readonly op: OpCase,
    private readonly dtype: 'f32' | 'f16',
    private readonly form: 'peer' | 'exported' = 'peer',
  ) {}

  get name(): string {
    return this.runtime.name;
  }

  async build(length: number): Promise<Chain & { output(): Promise<Float32Array> }> {
    const m = new OnnxGraph(this.dtype);
    const given = new Map<string, readonly number[]>([['x', this.op.input]]);
    let y = m.input('x', peerShape(this.op.input));
    for (let i = 0; i < length; i++) {
      const recorder = this.recorder(m, `set${i % weightSets}`, given);
      y = this.form === 'exported' && this.op.exported ? this.op.exported(recorder, y) : this.op.peer(recorder, y);
    }
    const session = await this.runtime.open(m.toBytes(y), { onGpuOnly: true });
    const feeds: Record<string, Tensor> = {};
    for (const [name, shape] of given) {
      const values = stored(toPeer(inputValues(name, shape), shape), this.dtype);
      feeds[name] = this.runtime.tensor(values, peerShape(shape));
    }
    const run = (): Promise<InferenceSession.OnnxValueMapType> => session.run(feeds);
    return {
      length,
      run: async () => void (await run()),
      output: async () => fromPeer(this.runtime.floats((await run())[y] as Tensor), this.op.input),
      dispose: () => session.release(),
    };
  }

  private recorder(m: OnnxGraph, set: string, given: Map<string, readonly number[]>): PeerRecorder {
    const { dtype } = this;
    const constant = (name: string, shape: readonly number[], values: () => Float32Array<ArrayBuffer>): string =>
      m.constant(`${set}.${name}`, dtype, shape, () => stored(values(), dtype));
    return {
      m,
      side(name, shape) {
        given.set(name, shape);
        return m.input(name, peerShape(shape));
      },
      vector: (name, n) => constant(name, [n], () => weightValues(`${set}.${name}`, [n])),
      matrix: (name, n, k) => constant(name, [k, n], () => transposed(weightValues(`${set}.${name}`, [n, k]), n, k)),
      weight: (name, shape) => constant(name, shape, () => weightValues(`${set}.${name}`, shape)),
    };
  }
}
