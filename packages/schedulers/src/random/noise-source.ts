import { SchedulerError } from '../errors.js';
import { NumpyRandomState } from './numpy.js';
import type { Seed } from './seed.js';
import { TorchCpuGenerator, type TorchDtype } from './torch-cpu.js';
import { TorchCudaGenerator, type CudaDevice } from './torch-cuda.js';

/** Whose random numbers: torch on the CPU, torch on CUDA, or numpy. */
export type NoiseKind = 'torch' | 'cuda' | 'numpy';

/** The kinds, for menus and checks. */
export const NOISE_KINDS: readonly NoiseKind[] = ['torch', 'cuda', 'numpy'];

/**
 * A seeded stream of standard normals. Each call is one draw of a tensor, as `torch.randn(shape, generator=g)` is:
 * first the latents, then one for each evaluation that says `drawsNoise`. How a stream is cut into draws matters
 * (torch's generators work in blocks), so draw whole latents of **one** picture at a time.
 *
 * Values are in torch's order, `[channels, height, width]`.
 */
export interface NoiseSource {
  readonly kind: NoiseKind;
  /** The next `count` standard normals. */
  normal(count: number): Float32Array;
}

/** What else decides a stream. */
export interface NoiseOptions {
  /**
   * The dtype torch would draw in; pipelines in half precision draw float16. numpy ignores it.
   * @defaultValue 'float32'
   */
  readonly dtype?: TorchDtype;
  /** CUDA only: the device to follow, see {@link TorchCudaGenerator}. */
  readonly device?: CudaDevice;
}

/**
 * Starts a stream.
 *
 * @example
 * ```ts
 * const source = createNoiseSource('torch', 42);
 * const latents = source.normal(4 * 128 * 128);
 * ```
 * @throws SchedulerError `random/argument` for an unknown kind or a seed the generator cannot take.
 */
export function createNoiseSource(kind: NoiseKind, seed: Seed, options: NoiseOptions = {}): NoiseSource {
  switch (kind) {
    case 'torch': {
      const generator = new TorchCpuGenerator(seed);
      return { kind, normal: (count) => generator.randn(count, options.dtype) };
    }
    case 'cuda': {
      const generator = new TorchCudaGenerator(seed, options.device);
      return { kind, normal: (count) => generator.randn(count, options.dtype) };
    }
    case 'numpy': {
      const generator = new NumpyRandomState(seed);
      return { kind, normal: (count) => Float32Array.from(generator.standardNormal(count)) };
    }
    default:
      throw new SchedulerError(
        'random/argument',
        `createNoiseSource: expected ${NOISE_KINDS.map((known) => `"${known}"`).join(', ')}, got "${String(kind)}". Use one of these.`,
      );
  }
}
