import {
  bufferUsage,
  compileProgram,
  tensorBytes,
  toHalfArray,
  type Device,
  type PackedPiece,
  type PlanOptions,
  type Program,
  type Tensor,
  type Weight,
} from '@pleinair/tensor';
import { alonePlan, nodeGraph } from './node-graph.js';
import type { TuningSubject } from './subject.js';

/** What is varied of a node's program. */
export interface NodeProgramOptions {
  /** The variant to force; the heuristic's own when absent. */
  readonly variant?: string;
  /** Options of the plans that will be made. */
  readonly plan?: PlanOptions;
  readonly signal?: AbortSignal;
}

/**
 * Compiles a node by itself and fills what it reads with small random numbers: zeros can run faster, and overflows
 * differently.
 *
 * @throws What `compileProgram` throws.
 */
export async function openNodeProgram(
  device: Device,
  subject: TuningSubject,
  { variant, plan, signal }: NodeProgramOptions = {},
): Promise<Program> {
  const program = await compileProgram(nodeGraph(subject), device, {
    ...alonePlan(subject, variant, plan),
    signal,
  });
  try {
    const noise = smallNoise(noiseLength);
    for (const weight of program.weights) await program.uploadWeight(weight, weightPieces(weight, noise));
    await fillTensors(program, noise);
    await program.store.flush();
    return program;
  } catch (error) {
    program.dispose();
    throw error;
  }
}

/** Numbers of noise kept; larger tensors hold it again and again. */
const noiseLength = 2 ** 18;

/** Numbers in ±0.1, always the same. */
function smallNoise(length: number): Float32Array<ArrayBuffer> {
  let seed = 1;
  return Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return 0.2 * (seed / 2 ** 32 - 0.5);
  });
}

/** Noise for a whole weight. Of a palettized one, whose elements are words, any small halves are palette and indices. */
function* weightPieces(weight: Weight, noise: Float32Array<ArrayBuffer>): Generator<PackedPiece> {
  const halves = toHalfArray(noise);
  const isWords = weight.palette !== undefined;
  const values = isWords ? new Uint32Array(halves.buffer) : weight.storage === 'f16' ? halves : noise;
  const elements = weight.byteLength / values.BYTES_PER_ELEMENT;
  for (let elementOffset = 0; elementOffset < elements; elementOffset += values.length) {
    yield { elementOffset, values: values.subarray(0, Math.min(values.length, elements - elementOffset)) };
  }
}

/** Copies noise into every tensor that outlives a run. */
async function fillTensors(program: Program, noise: Float32Array<ArrayBuffer>): Promise<void> {
  const { device, plan } = program;
  const usage = bufferUsage.copySrc | bufferUsage.copyDst;
  const bytes = noise.byteLength;
  const floats = await device.createBuffer('staging', bytes, usage, 'tune/noise');
  const halves = await device.createBuffer('staging', bytes / 2, usage, 'tune/half noise');
  try {
    device.gpu.queue.writeBuffer(floats.gpu, 0, noise);
    device.gpu.queue.writeBuffer(halves.gpu, 0, toHalfArray(noise));
    const encoder = device.gpu.createCommandEncoder();
    for (const tensor of plan.persistent) {
      // Whole numbers are indices: zeros, as fresh buffers are, index something that exists.
      if (tensor.dtype !== 'f16' && tensor.dtype !== 'f32') continue;
      fillWith(encoder, tensor.dtype === 'f16' ? halves.gpu : floats.gpu, program.bufferOf(tensor), tensor);
    }
    device.gpu.queue.submit([encoder.finish()]);
    await device.orLost(device.gpu.queue.onSubmittedWorkDone());
  } finally {
    floats.destroy();
    halves.destroy();
  }
}

function fillWith(encoder: GPUCommandEncoder, noise: GPUBuffer, target: GPUBuffer, tensor: Tensor): void {
  const bytes = tensorBytes(tensor);
  for (let offset = 0; offset < bytes; offset += noise.size) {
    encoder.copyBufferToBuffer(noise, 0, target, offset, Math.min(noise.size, bytes - offset));
  }
}
