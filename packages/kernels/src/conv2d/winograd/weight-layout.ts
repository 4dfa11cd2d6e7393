import { fromHalfArray, toHalfBits, type PackedPiece, type WeightLayout } from '@pleinair/tensor';
import { blockWidth, padTo4 } from '../../product/layout.js';
import { winogradTransforms, type TileSize } from './cook-toom.js';
import { toNumber } from './rational.js';

/**
 * Layout of a 3×3 convolution's weight that is transformed as it is loaded, `U = G g Gᵀ` in float64 and rounded once:
 * checkpoint `[Cout, C1 + C2 + …, 3, 3]` → `[points][ceil(Cout / 32)][C'][32]`, the channels of each input padded to 4.
 *
 * @param cins - Channels of each input, in the order in which the checkpoint concatenates them.
 */
export function winogradLayout(m: TileSize, cins: readonly number[]): WeightLayout {
  const { filter: exact, side } = winogradTransforms(m);
  const filter = exact.map((row) => row.map(toNumber));
  const points = side * side;
  const padded = cins.reduce((sum, c) => sum + padTo4(c), 0);
  const channels = cins.reduce((sum, c) => sum + c, 0);
  // Where each channel of the checkpoint goes among the padded ones.
  const target = cins.flatMap((c, i) => {
    const start = cins.slice(0, i).reduce((sum, before) => sum + padTo4(before), 0);
    return Array.from({ length: c }, (_, channel) => start + channel);
  });
  return {
    key: `winograd${m}[${cins.join(',')}]`,
    bandRows: blockWidth,
    elements: (shape) => points * Math.ceil(shape[0]! / blockWidth) * padded * blockWidth,
    pack(rows, firstRow, rowCount, shape): PackedPiece[] {
      const blocks = Math.ceil(rowCount / blockWidth);
      const length = blocks * padded * blockWidth;
      const isHalf = rows instanceof Uint16Array;
      const taps = isHalf ? fromHalfArray(rows) : rows;
      const pieces = Array.from({ length: points }, () =>
        isHalf ? new Uint16Array(length) : new Float32Array(length),
      );
      const along = new Float64Array(3 * side);
      for (let n = 0; n < rowCount; n++) {
        const base = Math.floor(n / blockWidth) * padded * blockWidth + (n % blockWidth);
        for (let c = 0; c < channels; c++) {
          const from = (n * channels + c) * 9;
          for (let r = 0; r < 3; r++) {
            for (let j = 0; j < side; j++) {
              const g = filter[j]!;
              const at = from + 3 * r;
              along[r * side + j] = g[0]! * taps[at]! + g[1]! * taps[at + 1]! + g[2]! * taps[at + 2]!;
            }
          }
          const to = base + target[c]! * blockWidth;
          for (let i = 0, p = 0; i < side; i++) {
            const g = filter[i]!;
            for (let j = 0; j < side; j++, p++) {
              const value = g[0]! * along[j]! + g[1]! * along[side + j]! + g[2]! * along[2 * side + j]!;
              pieces[p]![to] = isHalf ? toHalfBits(value) : value;
            }
          }
        }
      }
      const allBlocks = Math.ceil(shape[0]! / blockWidth);
      return pieces.map((values, p) => ({
        elementOffset: (p * allBlocks + firstRow / blockWidth) * padded * blockWidth,
        values,
      }));
    },
  };
}
