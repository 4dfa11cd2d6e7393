import { logf, sincosf } from './cephes.js';
import { roundToHalf } from './half.js';
import { Mt19937 } from './mt19937.js';
import { checkCount, torchSeedWords, type Seed } from './seed.js';

const { fround } = Math;

/**
 * Storage type of the tensor torch would fill.
 *
 * - `float32`.
 * - `float16`: as torch draws it since its CPU kernel computes in float32 (2.15; pull request 179834): the float32
 *   stream rounded, except where the length is not a multiple of 16.
 * - `float16-legacy`: as older torch draws it (recorded from 1.13; 2.7 has the same kernel): another stream altogether,
 *   from 11-bit uniforms and rounded to float16 on the way, never beyond ±3.9.
 *
 * Both float16 streams are the same on CUDA, and below 16 values.
 */
export type TorchDtype = 'float32' | 'float16' | 'float16-legacy';

/** Tensors of at least this many values are filled in blocks of this many. */
const BLOCK = 16;
const TWO_PI = fround(2 * Math.PI);

/**
 * torch's CPU generator, as far as `normal_` uses it: `torch.Generator('cpu').manual_seed(seed)`.
 *
 * Source: torch 2.15 `ATen/native/cpu/DistributionTemplates.h` (`normal_fill`, with AVX2) and
 * `ATen/core/DistributionsHelper.h` (`normal_distribution<double>`).
 */
export class TorchCpuGenerator {
  private readonly engine: Mt19937;
  /** The sine half of a pair drawn singly; survives draws of 16 and more, as in torch. */
  private kept: number | undefined;

  /** @throws SchedulerError `random/argument` for seeds outside −2^63 … 2^64 − 1. */
  constructor(seed: Seed) {
    // Only the low half reaches the engine.
    this.engine = new Mt19937(torchSeedWords(seed)[0]);
  }

  /** `torch.randn(count, dtype=dtype)`, continuing the stream. float16 values come as the float32 equal to them. */
  randn(count: number, dtype: TorchDtype = 'float32'): Float32Array {
    checkCount('torchCpuRandn', count);
    const values = new Float32Array(count);
    if (count < BLOCK) {
      for (let i = 0; i < count; i++) values[i] = this.single();
    } else if (dtype !== 'float16') {
      // All uniforms first, and then the last 16 anew where blocks do not fit.
      const fill = dtype === 'float32' ? boxMuller : boxMullerHalf;
      const bits = dtype === 'float32' ? 24 : 11;
      for (let i = 0; i < count; i++) values[i] = this.uniform(bits);
      for (let i = 0; i + BLOCK <= count; i += BLOCK) fill(values, i);
      if (count % BLOCK) this.block(values, count - BLOCK, bits, fill);
    } else {
      for (let i = 0; i + BLOCK <= count; i += BLOCK) this.block(values, i, 24, boxMuller);
      if (count % BLOCK) this.block(values, count - BLOCK, 24, boxMuller);
    }
    return dtype === 'float32' ? values : values.map(roundToHalf);
  }

  private block(values: Float32Array, at: number, bits: number, fill: typeof boxMuller): void {
    for (let i = at; i < at + BLOCK; i++) values[i] = this.uniform(bits);
    fill(values, at);
  }

  /** The low `bits` of a word, in [0, 1). */
  private uniform(bits: number): number {
    return (this.engine.uint32() & ((1 << bits) - 1)) / (1 << bits);
  }

  /** 53 bits, in [0, 1): the first word is the upper half. */
  private uniformDouble(): number {
    const high = this.engine.uint32() & 0x1fffff;
    const low = this.engine.uint32();
    return (high * 0x100000000 + low) / 0x20000000000000;
  }

  private single(): number {
    if (this.kept !== undefined) {
      const value = this.kept;
      this.kept = undefined;
      return value;
    }
    const angle = 2 * Math.PI * this.uniformDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniformDouble()));
    this.kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/** Turns 16 uniforms into 16 normals in place, pairing j with j + 8. */
function boxMuller(values: Float32Array, at: number): void {
  for (let j = at; j < at + 8; j++) {
    const radius = fround(Math.sqrt(fround(-2 * logf(1 - values[j]!))));
    const [sin, cos] = sincosf(fround(TWO_PI * values[j + 8]!));
    // Adding the mean, 0, turns −0 into 0.
    values[j] = radius * cos + 0;
    values[j + 8] = radius * sin + 0;
  }
}

/** The same in float16, as older torch: what is stored is rounded, what is passed from function to function is not. */
function boxMullerHalf(values: Float32Array, at: number): void {
  for (let j = at; j < at + 8; j++) {
    const radius = roundToHalf(Math.sqrt(fround(-2 * fround(Math.log(1 - values[j]!)))));
    const theta = roundToHalf(2 * Math.PI * values[j + 8]!);
    values[j] = radius * fround(Math.cos(theta)) + 0;
    values[j + 8] = radius * fround(Math.sin(theta)) + 0;
  }
}

/**
 * `torch.manual_seed(seed); torch.randn(count, dtype=dtype)` on the CPU: equal bit for bit to torch's x86 build
 * with AVX2 for 16 values and more (others compute the same normals with a different libm, a few ulp away).
 *
 * @param seed - Any 64-bit seed; torch's CPU generator uses its low 32 bits.
 * @throws SchedulerError `random/argument`.
 */
export function torchCpuRandn(seed: Seed, count: number, dtype: TorchDtype = 'float32'): Float32Array {
  return new TorchCpuGenerator(seed).randn(count, dtype);
}
