import type { DeviceProfile } from '@pleinair/tensor';
import { flashDispatch, tileBytesPerKey } from './flash.js';
import type { AttentionProblem, AttentionVariant } from './variant.js';

/** Wider heads than this leave no registers: a query and its output row are both held by one invocation. */
export const widestFlashHead = 160;

const mostTileKeys = 32;

/** FlashAttention with keys and values copied through workgroup memory; see `flash.ts`. */
export const tiled: AttentionVariant = {
  name: 'flash-tiled',
  family: 'flash',
  madeFor: 'gpus',
  unsupported(problem, profile) {
    if (problem.headDim > widestFlashHead) return `heads wider than ${widestFlashHead} do not fit in registers`;
    return tileKeys(problem, profile) < 4 ? 'not even four keys and values fit in workgroup memory' : undefined;
  },
  lower(problem, { profile }) {
    const keys = tileKeys(problem, profile);
    return [flashDispatch(problem, problem.out, { lanes: 64, fetch: { way: 'tiled', keys } }, profile)];
  },
};

function tileKeys(problem: AttentionProblem, profile: DeviceProfile): number {
  const fitting = profile.limits.maxComputeWorkgroupStorageSize / tileBytesPerKey(problem, profile);
  return Math.min(mostTileKeys, Math.floor(fitting / 4) * 4);
}
