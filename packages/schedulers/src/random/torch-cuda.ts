import { SchedulerError } from '../errors.js';
import { roundToHalf } from './half.js';
import { philox4x32 } from './philox.js';
import { checkCount, torchSeedWords, type Seed } from './seed.js';
import type { TorchDtype } from './torch-cpu.js';

const { fround } = Math;

/** Threads a block, and normals a call of `curand_normal4`. */
const BLOCK = 256;
const UNROLL = 4;

const INVERSE_2_32 = fround(2.3283064e-10);
const INVERSE_2_32_TWO_PI = fround(INVERSE_2_32 * fround(6.2831855));

/**
 * The two figures of a CUDA device that shape torch's random streams. A tensor with more values than the device runs
 * threads at once (`multiprocessors · threadsPerMultiprocessor`) comes out differently on different devices.
 *
 * Examples: A100 `{ 108, 2048 }`, H100 SXM `{ 132, 2048 }`, RTX 3060 `{ 28, 1536 }`, RTX 4090 `{ 128, 1536 }`.
 */
export interface CudaDevice {
  /** `torch.cuda.get_device_properties().multi_processor_count`. */
  readonly multiprocessors: number;
  /** `max_threads_per_multi_processor` there. */
  readonly threadsPerMultiprocessor: number;
}

/**
 * torch's CUDA generator, as far as `normal_` uses it: `torch.Generator('cuda').manual_seed(seed)`.
 *
 * Source: torch 2.15 `ATen/native/cuda/DistributionTemplates.h`: one Philox subsequence a thread, values dealt to
 * threads in strides of the whole grid, and the counter moved on by each draw; normals are cuRAND's `curand_normal4`
 * (Box–Muller in float32).
 */
export class TorchCudaGenerator {
  private readonly keyLow: number;
  private readonly keyHigh: number;
  private readonly mostBlocks: number;
  /** Philox counter of the next draw, in calls of four words. */
  private calls = 0;

  /**
   * @param device - The device to follow. Left out, one with no limit on threads: what small tensors get on every
   *   device, and what other programs that imitate CUDA's noise (A1111's "NV" source, Apple's `NvRandomSource`) give.
   * @throws SchedulerError `random/argument`.
   */
  constructor(seed: Seed, device?: CudaDevice) {
    [this.keyLow, this.keyHigh] = torchSeedWords(seed);
    this.mostBlocks = device
      ? device.multiprocessors * Math.floor(device.threadsPerMultiprocessor / BLOCK)
      : Number.POSITIVE_INFINITY;
    if (!(this.mostBlocks >= 1)) {
      throw new SchedulerError(
        'random/argument',
        `TorchCudaGenerator: expected a device of at least one multiprocessor and ${BLOCK} threads, got ` +
          `${JSON.stringify(device)}. See torch.cuda.get_device_properties.`,
      );
    }
  }

  /** `torch.randn(count, device='cuda', dtype=dtype)`, continuing the stream. float16 rounds the float32 stream. */
  randn(count: number, dtype: TorchDtype = 'float32'): Float32Array {
    checkCount('torchCudaRandn', count);
    const values = new Float32Array(count);
    if (count === 0) return values;
    const threads = Math.min(this.mostBlocks, Math.ceil(count / BLOCK)) * BLOCK;
    const perThread = Math.ceil(count / (threads * UNROLL));
    const words = new Uint32Array(4);
    for (let call = 0; call < perThread; call++) {
      const base = call * threads * UNROLL;
      for (let thread = 0; thread < threads && base + thread < count; thread++) {
        setCounter(words, this.calls + call, thread);
        philox4x32(words, this.keyLow, this.keyHigh);
        for (let part = 0; part < UNROLL; part++) {
          const at = base + part * threads + thread;
          if (at < count) values[at] = normal(words, part);
        }
      }
    }
    this.calls += perThread;
    return dtype === 'float32' ? values : values.map(roundToHalf);
  }
}

/** curand_init(seed, subsequence = thread, offset): the low half of the counter counts calls, the high half threads. */
function setCounter(words: Uint32Array, call: number, thread: number): void {
  words[0] = call;
  words[1] = Math.floor(call / 0x100000000);
  words[2] = thread;
  words[3] = Math.floor(thread / 0x100000000);
}

/** Normal `part` (0–3) of four words: sine then cosine of each pair. */
function normal(words: Uint32Array, part: number): number {
  const pair = part & 2;
  const uniform = fround(fround(words[pair]!) * INVERSE_2_32 + INVERSE_2_32 / 2);
  const angle = fround(fround(words[pair + 1]!) * INVERSE_2_32_TWO_PI + INVERSE_2_32_TWO_PI / 2);
  const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(uniform)))));
  return radius * fround(part & 1 ? Math.cos(angle) : Math.sin(angle));
}

/**
 * `torch.manual_seed(seed); torch.randn(count, device='cuda')`. Random words are torch's exactly; logarithm, sine and
 * cosine are the JavaScript engine's rounded to float32, so values agree to a few ulp.
 *
 * @param seed - All 64 bits count.
 * @param device - See {@link TorchCudaGenerator}; matters only for tensors larger than the device runs threads.
 * @throws SchedulerError `random/argument`.
 */
export function torchCudaRandn(seed: Seed, count: number, device?: CudaDevice): Float32Array {
  return new TorchCudaGenerator(seed, device).randn(count);
}
