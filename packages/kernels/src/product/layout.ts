import { paletteBlockRows, type PackedPiece, type WeightLayout } from '@pleinair/tensor';

/**
 * Columns of the product that lie together in a weight. A weight is stored `[ceil(N / 32)][K'][32]`: all of K for 32
 * outputs, then the next 32. So one vec4 holds four outputs of one k, a wave of 8 lanes reads 128 consecutive bytes per k
 * and a band of 32 checkpoint rows packs into one consecutive piece. Palettized files keep their indices in the same blocks.
 */
export const blockWidth = paletteBlockRows;

/** vec4s in one row of a block. */
export const blockVec4s = blockWidth / 4;

/** Rounds up to a multiple of 4, as the last dimension of every tensor is. */
export function padTo4(n: number): number {
  return Math.ceil(n / 4) * 4;
}

/**
 * Layout of a product's weight, checkpoint shape `[N, ...]` with the rest flattened: `K'` is K padded to 4, so that it
 * meets activations whose rows are padded alike.
 */
export const linearLayout: WeightLayout = blockLayout('blocks32', (shape) => {
  const k = shape.slice(1).reduce((a, b) => a * b, 1);
  return { padded: padTo4(k), target: Uint32Array.from({ length: k }, (_, i) => i) };
});

/**
 * Layout of a convolution's weight, checkpoint shape `[Cout, C1 + C2 + …, kh, kw]`. K' runs over (tap, input, channel):
 * the channels of each input are padded to 4, like the tensors they meet.
 *
 * @param cins - Channels of each input, in the order in which the checkpoint concatenates them.
 */
export function convLayout(cins: readonly number[]): WeightLayout {
  return blockLayout(`conv32[${cins.join(',')}]`, (shape) => {
    const taps = (shape[2] ?? 1) * (shape[3] ?? 1);
    const channels = cins.reduce((a, b) => a + b, 0);
    const perTap = cins.reduce((a, b) => a + padTo4(b), 0);
    const target = new Uint32Array(channels * taps);
    let channel = 0;
    let start = 0;
    for (const cin of cins) {
      for (let c = 0; c < cin; c++, channel++) {
        for (let tap = 0; tap < taps; tap++) target[channel * taps + tap] = tap * perTap + start + c;
      }
      start += padTo4(cin);
    }
    return { padded: taps * perTap, target, taps };
  });
}

/** Where each element of a checkpoint row goes along K', and how long K' is. */
interface RowMap {
  readonly padded: number;
  readonly target: Uint32Array;
  /** Taps of a convolution, innermost in a checkpoint row; 1 otherwise. */
  readonly taps?: number;
}

function blockLayout(key: string, map: (shape: readonly number[]) => RowMap): WeightLayout {
  return {
    key,
    bandRows: blockWidth,
    elements: (shape) => Math.ceil(shape[0]! / blockWidth) * blockWidth * map(shape).padded,
    pack(rows, firstRow, rowCount, shape): PackedPiece[] {
      const { padded, target } = map(shape);
      const blocks = Math.ceil(rowCount / blockWidth);
      const length = blocks * padded * blockWidth;
      const out = rows instanceof Uint16Array ? new Uint16Array(length) : new Float32Array(length);
      const k = target.length;
      for (let block = 0; block < blocks; block++) {
        const first = block * blockWidth;
        const count = Math.min(blockWidth, rowCount - first);
        const base = block * padded * blockWidth;
        // k outside, so that writes are consecutive and 32 read streams stay in cache.
        for (let i = 0; i < k; i++) {
          const to = base + target[i]! * blockWidth;
          let from = first * k + i;
          for (let n = 0; n < count; n++, from += k) out[to + n] = rows[from]!;
        }
      }
      return [{ elementOffset: firstRow * padded, values: out }];
    },
    // Palettized checkpoints count channels within taps, as K' does; others the other way round.
    paletteOrder(shape) {
      const { target, taps = 1 } = map(shape);
      const channels = target.length / taps;
      return target.map((_, i) => target[(i % channels) * taps + Math.floor(i / channels)]!);
    },
  };
}
