import { logf, sincosf } from './cephes.js';
import { roundToHalf } from './half.js';
import { Mt19937 } from './mt19937.js';
import { checkCount, torchSeedWords, type Seed } from './seed.js';

const { fround } = Math;

/**
 * Storage type of the tensor torch would fill. They are different streams where the length is not a multiple of 16.
 */
export type TorchDtype = 'float32' | 'float16';

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
    } else if (dtype === 'float32') {
      // All uniforms first, and then the last 16 anew where blocks do not fit.
      for (let i = 0; i < count; i++) values[i] = this.uniform();
      for (let i = 0; i + BLOCK <= count; i += BLOCK) boxMuller(values, i);
      if (count % BLOCK) this.block(values, count - BLOCK);
    } else {
      for (let i = 0; i + BLOCK <= count; i += BLOCK) this.block(values, i);
      if (count % BLOCK) this.block(values, count - BLOCK);
    }
    return dtype === 'float16' ? values.map(roundToHalf) : values;
  }

  private block(values: Float32Array, at: number): void {
    for (let i = at; i < at + BLOCK; i++) values[i] = this.uniform();
    boxMuller(values, at);
  }

  /** 24 bits, in [0, 1). */
  private uniform(): number {
    return (this.engine.uint32() & 0xffffff) / 0x1000000;
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
    values[j] = radius * cos;
    values[j + 8] = radius * sin;
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
