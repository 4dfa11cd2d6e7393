import { fromHalfArray } from '@pleinair/tensor';
import type { InferenceSession, Tensor } from 'onnxruntime-node';

/** ONNX Runtime's WebGPU provider in this process: it takes the adapter that Dawn gives it, as ours does. */
export class Onnxruntime {
  private constructor(private readonly ort: typeof import('onnxruntime-node')) {}

  /** Loads it; only where peers are asked for. */
  static async load(): Promise<Onnxruntime> {
    return new Onnxruntime(await import('onnxruntime-node'));
  }

  readonly name = 'ORT';

  get version(): string {
    return this.ort.env.versions.node ?? this.ort.env.versions.common;
  }

  /**
   * Opens a model.
   *
   * @param model - Its bytes, or its file's path.
   * @param options - `onGpuOnly`: refuse a model of which any part would fall back to the CPU.
   */
  async open(model: Uint8Array | string, options: { readonly onGpuOnly: boolean }): Promise<InferenceSession> {
    const session: InferenceSession.SessionOptions = {
      executionProviders: ['webgpu'],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: { session: { disable_cpu_ep_fallback: options.onGpuOnly ? '1' : '0' } },
    };
    const { InferenceSession: Session } = this.ort;
    return typeof model === 'string' ? Session.create(model, session) : Session.create(model, session);
  }

  /** A tensor on the host: floats, or half bits. */
  tensor(values: Float32Array | Uint16Array, shape: readonly number[]): Tensor {
    return values instanceof Float32Array
      ? new this.ort.Tensor('float32', values, shape)
      : new this.ort.Tensor('float16', values, shape);
  }

  /** A float tensor's values. */
  floats(tensor: Tensor): Float32Array<ArrayBuffer> {
    if (tensor.type === 'float32') return Float32Array.from(tensor.data as Float32Array);
    const { buffer, byteOffset, byteLength } = tensor.data as Uint16Array;
    return fromHalfArray(new Uint16Array(buffer, byteOffset, byteLength / 2).slice());
  }
}
