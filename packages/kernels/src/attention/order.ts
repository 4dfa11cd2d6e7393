import type { DeviceProfile } from '@pleinair/tensor';
import type { AttentionProblem } from './variant.js';

/**
 * Names of variants in the order in which they are taken where nothing was timed; so the first of a family is the family's
 * best guess.
 *
 * On hardware matrix units where there are any and a head is many tiles, else flash, and split scores for heads too wide
 * for its registers. On software adapters split scores for all, in columns of registers passed round a subgroup where there
 * are subgroups: several times as fast there as loading operands, and the short text compiles in a fraction of the time.
 */
export function variantOrder(
  problem: Pick<AttentionProblem, 'queries' | 'keys'>,
  profile: DeviceProfile,
): readonly string[] {
  return profile.isSoftware ? softwareOrder(problem, profile) : deviceOrder(problem);
}

function softwareOrder(
  { queries, keys }: Pick<AttentionProblem, 'queries' | 'keys'>,
  { subgroupMinSize: lanes }: DeviceProfile,
): readonly string[] {
  // Blocks of 32 rows where queries fill them; narrow subgroups have registers for a second vec4 of columns instead.
  const columns =
    lanes > 4 ? `split-columns${queries > 16 ? 32 : 16}x32` : keys < 128 ? 'split-columns16x32' : 'split-columns16x64';
  return [columns, 'split-tiled32x32', 'flash-streamed', 'flash-tiled'];
}

function deviceOrder({ queries, keys }: Pick<AttentionProblem, 'queries' | 'keys'>): readonly string[] {
  const matrix = queries >= 64 && keys >= 256 ? ['split-matrix64x64'] : [];
  const others = ['flash-tiled', 'flash-streamed', 'split-tiled64x64', 'split-tiled32x32'];
  // Last what is only taken by who asks for subgroups.
  return [...matrix, ...others, 'split-matrix64x64', 'split-columns16x64'];
}

/** Variants by {@link variantOrder}, those that it does not name last. */
export function ordered<T extends { readonly name: string }>(variants: readonly T[], order: readonly string[]): T[] {
  const rank = ({ name }: T): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return variants.toSorted((a, b) => rank(a) - rank(b));
}
