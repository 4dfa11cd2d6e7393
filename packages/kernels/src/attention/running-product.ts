import type { DeviceProfile } from '@pleinair/tensor';
import type { Operand, Product } from '../product/parts.js';
import type { ScoreTile } from './score-tiles.js';
import { weightedProduct, type SplitScratch } from './split-products.js';
import type { AttentionProblem } from './variant.js';

/**
 * Σ 2^(s − maximum)·v of a block of keys, added to the sums of the blocks before, which are scaled by how far the maximum
 * has risen; statistics are those of `runningStatistics`.
 */
export function runningProduct(
  problem: AttentionProblem,
  tile: ScoreTile,
  scratch: SplitScratch,
  profile: DeviceProfile,
): Product {
  const product = weightedProduct(problem, tile, scratch, profile);
  const { epilogue } = product;
  const [out] = epilogue.operands as readonly [Operand];
  return {
    ...product,
    epilogue: {
      ...epilogue,
      operands: [{ ...out, traffic: 2 * (out.traffic ?? 1) }],
      // What the first block finds there may be no number at all: it is not to be multiplied.
      text: `fn finish(m: u32, n4: u32, sum: vec4<f32>) {
  let at = (u.first_query + m) * u.out_columns + n4;
  let factor = load_statistics(m).z;
  store_out(at, select(fma(load_out(at), vec4<f32>(factor), sum), sum, factor == 0.0));
}`,
    },
  };
}
