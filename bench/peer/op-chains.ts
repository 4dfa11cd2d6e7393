import {
  inputShape,
  inputValues,
  stored,
  weightSets,
  weightValues,
  type OpCase,
  type OutputChain,
  type OutputChains,
  type Peer,
} from '@pleinair/bench';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { fromPeer, peerShape, toPeer, transposed } from './layout.js';
import { OnnxGraph } from './onnx-graph.js';
import type { Onnxruntime } from './onnxruntime.js';
import { peerForms, recordPeerOp, type PeerForm, type PeerRecorder } from './record-op.js';

/** ONNX Runtime as a peer of the op suites. */
export function opPeer(runtime: Onnxruntime): Peer {
  return {
    name: runtime.name,
    forms(op, dtype) {
      return peerForms(op.spec).map((form) => ({
        name: `${form} form`,
        chains: new PeerChains(runtime, op, dtype, form),
      }));
    },
  };
}

/** Chains of an operation in the peer: one ONNX model a length, whose inner tensors never leave the GPU. */
class PeerChains implements OutputChains {
  constructor(
    private readonly runtime: Onnxruntime,
    private readonly op: OpCase,
    private readonly dtype: 'f32' | 'f16',
    private readonly form: PeerForm,
  ) {}

  get name(): string {
    return this.runtime.name;
  }

  async build(length: number): Promise<OutputChain> {
    const { spec } = this.op;
    const input = inputShape(spec);
    const m = new OnnxGraph(this.dtype);
    const given = new Map<string, readonly number[]>([['x', input]]);
    let y = m.input('x', peerShape(input));
    for (let i = 0; i < length; i++) {
      y = recordPeerOp(this.recorder(m, `set${i % weightSets}`, given), spec, y, this.form);
    }
    const session = await this.runtime.open(m.toBytes(y), { onGpuOnly: true });
    const feeds: Record<string, Tensor> = {};
    for (const [name, shape] of given) {
      const values = stored(toPeer(inputValues(name, shape), shape), this.dtype);
      feeds[name] = this.runtime.tensor(values, peerShape(shape));
    }
    let last: InferenceSession.OnnxValueMapType | undefined;
    return {
      length,
      run: async () => void (last = await session.run(feeds)),
      output: () => {
        if (!last) throw new Error(`${this.op.shape}: expected a run before its output is read, got none.`);
        return Promise.resolve(fromPeer(this.runtime.floats(last[y] as Tensor), input));
      },
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
