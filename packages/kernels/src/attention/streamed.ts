import { flashDispatch } from './flash.js';
import { widestFlashHead } from './tiled.js';
import type { AttentionVariant } from './variant.js';

/** FlashAttention reading keys and values where they lie; see `flash.ts`. */
export const streamed: AttentionVariant = {
  name: 'flash-streamed',
  family: 'flash',
  madeFor: 'gpus',
  unsupported(problem) {
    return problem.headDim > widestFlashHead
      ? `heads wider than ${widestFlashHead} do not fit in registers`
      : undefined;
  },
  lower(problem, { profile }) {
    // Software adapters run a workgroup's subgroups one after another: small workgroups keep keys and values in the
    // nearest cache no worse, and leave more of them to share among few cores.
    const lanes = profile.isSoftware ? 16 : 64;
    return [flashDispatch(problem, problem.out, { lanes, fetch: { way: 'streamed' } }, profile)];
  },
};
