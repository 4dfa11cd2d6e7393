import type { SafetensorsEntry, SafetensorsFile } from '../safetensors-file.js';
import { readTensor } from '../read-tensor.js';
import type { ReadOptions } from '../source.js';
import { AdapterError } from './errors.js';
import type { FactorRole } from './factor-keys.js';
import { addProduct, dense, downRows, hadamard, transposed, type Factor, type LowRank } from './low-rank.js';
import type { LoraTarget } from './module-names.js';

/** How a module's change is made up: a product, the product of two products, or a Kronecker product. */
export type LoraKind = 'lora' | 'loha' | 'lokr';

/** A change of one weight, read into memory. */
export interface LoraChange {
  /** Adds rows of the change, times `scale`, to `[rowCount, K]`. */
  addRows(out: Float32Array, firstRow: number, rowCount: number, scale: number): void;
  /** The change as one low-rank product, its own multiplier included. Absent where it is none of a small rank. */
  readonly product?: () => LowRank;
}

/** One module of a LoRA: the tensor it changes, and where its factors lie. Nothing but the header is in memory. */
export class LoraModule {
  readonly kind: LoraKind;

  /**
   * @param name - As the file calls it, for messages.
   * @throws AdapterError `lora/incomplete`, `lora/shape`.
   */
  constructor(
    private readonly file: SafetensorsFile,
    readonly name: string,
    readonly target: LoraTarget,
    private readonly factors: ReadonlyMap<FactorRole, SafetensorsEntry>,
    /** What stands for `alpha / rank` where the module has no `alpha` of its own. */
    private readonly multiplier: number | undefined,
  ) {
    this.kind = factors.has('down') || factors.has('up') ? 'lora' : factors.has('hada_w1_a') ? 'loha' : 'lokr';
    if (this.kind === 'lora') this.checkLora();
    else if (this.kind === 'loha') this.checkLoha();
    else this.checkLokr();
  }

  /** Rank of the change as one product; undefined for a Kronecker product, which has no small one. */
  get rank(): number | undefined {
    if (this.kind === 'lora') return this.shape('up')[1];
    return this.kind === 'loha' ? this.innerRank('hada_w1_b') * this.innerRank('hada_w2_b') : undefined;
  }

  /** Bytes of its factors in the file. */
  get bytes(): number {
    return [...this.factors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
  }

  /** Reads the factors. */
  async read(options: ReadOptions = {}): Promise<LoraChange> {
    const read = new Map<FactorRole, Factor>();
    for (const [role, { name }] of this.factors) read.set(role, await readTensor(this.file, name, options));
    const of = (role: FactorRole): Factor => read.get(role)!;
    const alpha = read.get('alpha')?.values[0];
    const over = (rank: number | undefined): number =>
      rank === undefined ? 1 : alpha === undefined ? (this.multiplier ?? 1) : alpha / rank;
    if (this.kind === 'lora') {
      const up = of('up');
      const rank = up.shape[1]!;
      // The middle of a LoCon may be of two ranks; alpha is over the first factor's.
      return lowRankChange(
        { rank, up: up.values, down: downRows(of('down'), read.get('mid')) },
        over(of('down').shape[0]),
      );
    }
    if (this.kind === 'loha') {
      const half = (one: 1 | 2): LowRank => {
        const [a, b, middle] = [of(`hada_w${one}_a`), of(`hada_w${one}_b`), read.get(`hada_t${one}`)];
        const rank = b.shape[0]!;
        if (!middle) return { rank, up: a.values, down: b.values };
        return { rank, up: transposed(a.values, a.shape[0]!, a.shape[1]!), down: downRows(b, middle) };
      };
      return lowRankChange(hadamard(half(1), half(2)), over(of('hada_w1_b').shape[0]));
    }
    const whole = (one: 1 | 2): Factor => kroneckerFactor(one, read);
    const [w1, w2] = [whole(1), whole(2)];
    const rank = read.get('lokr_w1_b')?.shape[0] ?? read.get('lokr_w2_b')?.shape[0];
    return kroneckerChange(w1, w2, this.target.shape, over(rank));
  }

  private shape(role: FactorRole): readonly number[] {
    const entry = this.factors.get(role);
    if (entry) return entry.shape;
    throw new AdapterError(
      'lora/incomplete',
      `${this.file.path}: expected ${role} beside the other factors of ${this.name}, got none. Download the file again.`,
    );
  }

  private innerRank(role: FactorRole): number {
    return this.shape(role)[0] ?? 0;
  }

  private checkLora(): void {
    const [n, ...inner] = this.target.shape as [number, ...number[]];
    const [down, up, mid] = [this.shape('down'), this.shape('up'), this.factors.get('mid')?.shape];
    const k = product(inner);
    const rows = mid ? mid[0] : down[0];
    const right = mid
      ? mid[1] === down[0] && product(down.slice(1)) * product(mid.slice(2)) === k && down[1] === inner[0]
      : product(down.slice(1)) === k && (down.length < 3 || down[1] === inner[0]);
    if (!right || up[0] !== n || up[1] !== rows || product(up) !== n * up[1]!) {
      throw this.misshapen(`down [rank, ${inner.join(', ')}] and up [${n}, rank]`, { down, mid, up });
    }
  }

  private checkLoha(): void {
    const [n, ...inner] = this.target.shape as [number, ...number[]];
    for (const one of [1, 2] as const) {
      const [a, b] = [this.shape(`hada_w${one}_a`), this.shape(`hada_w${one}_b`)];
      const t = this.factors.get(`hada_t${one}`)?.shape;
      const right = t
        ? a[1] === n &&
          b[1] === inner[0] &&
          t[0] === a[0] &&
          t[1] === b[0] &&
          product(t.slice(2)) === product(inner.slice(1))
        : a[0] === n && a[1] === b[0] && product(b.slice(1)) === product(inner);
      if (!right) {
        const got = { [`hada_w${one}_a`]: a, [`hada_w${one}_b`]: b, [`hada_t${one}`]: t };
        throw this.misshapen(`hada_w${one}_a [${n}, rank] and hada_w${one}_b [rank, ${product(inner)}]`, got);
      }
    }
  }

  private checkLokr(): void {
    const [n, ...inner] = this.target.shape as [number, ...number[]];
    const [[a, b], [c, d]] = [this.kroneckerShape(1), this.kroneckerShape(2)];
    if (a * c === n && b * d === product(inner)) return;
    throw this.misshapen(`factors whose Kronecker product is [${this.target.shape.join(', ')}]`, {
      lokr_w1: [a, b],
      lokr_w2: [c, d],
    });
  }

  /** `[rows, columns]` of a factor, taps counted as columns. */
  private kroneckerShape(one: 1 | 2): readonly [number, number] {
    const whole = this.factors.get(`lokr_w${one}`)?.shape;
    if (whole) return [whole[0] ?? 0, product(whole.slice(1))];
    const [a, b] = [this.shape(`lokr_w${one}_a`), this.shape(`lokr_w${one}_b`)];
    const middle = one === 2 ? this.factors.get('lokr_t2')?.shape : undefined;
    if (!middle) return [a[0] ?? 0, product(b.slice(1))];
    return [a[1] ?? 0, (b[1] ?? 0) * product(middle.slice(2))];
  }

  private misshapen(expected: string, got: Readonly<Record<string, readonly number[] | undefined>>): AdapterError {
    const shapes = Object.entries(got).flatMap(([name, shape]) => (shape ? [`${name} [${shape.join(', ')}]`] : []));
    return new AdapterError(
      'lora/shape',
      `${this.file.path}: ${this.name}: expected ${expected} for ${this.target.tensor} [${this.target.shape.join(', ')}], ` +
        `got ${shapes.join(' and ')}. It was made for another model.`,
    );
  }
}

function lowRankChange(factors: LowRank, multiplier: number): LoraChange {
  return {
    addRows: (out, firstRow, rowCount, scale) => addProduct(factors, out, firstRow, rowCount, scale * multiplier),
    product: () => ({ ...factors, up: factors.up.map((value) => value * multiplier) }),
  };
}

/** `[rows, columns]` of one factor of a Kronecker product, multiplied out. */
function kroneckerFactor(one: 1 | 2, read: ReadonlyMap<FactorRole, Factor>): Factor {
  const whole = read.get(`lokr_w${one}`);
  if (whole) return { shape: [whole.shape[0]!, product(whole.shape.slice(1))], values: whole.values };
  const [a, b] = [read.get(`lokr_w${one}_a`)!, read.get(`lokr_w${one}_b`)!];
  const middle = one === 2 ? read.get('lokr_t2') : undefined;
  const rank = b.shape[0]!;
  const values = middle
    ? dense({ rank: middle.shape[0]!, up: transposed(a.values, a.shape[0]!, a.shape[1]!), down: downRows(b, middle) })
    : dense({ rank, up: a.values, down: b.values });
  const rows = middle ? a.shape[1]! : a.shape[0]!;
  return { shape: [rows, values.length / rows], values };
}

/** `w1 ⊗ w2`: block (i, j) is `w1[i, j] · w2`, over output and input channels; taps are w2's own. */
function kroneckerChange(w1: Factor, w2: Factor, target: readonly number[], multiplier: number): LoraChange {
  const [, columns1] = w1.shape as [number, number];
  const [rows2, columns2] = w2.shape as [number, number];
  const k = columns1 * columns2;
  return {
    addRows(out, firstRow, rowCount, scale) {
      for (let row = 0; row < rowCount; row++) {
        const [i, p] = [Math.floor((firstRow + row) / rows2), (firstRow + row) % rows2];
        for (let j = 0; j < columns1; j++) {
          const factor = scale * multiplier * w1.values[i * columns1 + j]!;
          const to = row * k + j * columns2;
          for (let q = 0; q < columns2; q++) out[to + q]! += factor * w2.values[p * columns2 + q]!;
        }
      }
    },
  };
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}
