import type { DeviceProfile } from '@pleinair/tensor';

/**
 * Folds a count of workgroups that may pass the limit per dimension into x and y. The shader gets its number back with
 * {@link groupIndexText} and must leave when it is not below the count (the last row of a folded grid is ragged).
 */
export function foldGrid(groups: number, profile: DeviceProfile): [number, number, number] {
  const most = profile.limits.maxComputeWorkgroupsPerDimension;
  if (groups <= most) return [groups, 1, 1];
  const rows = Math.ceil(groups / most);
  return [Math.ceil(groups / rows), rows, 1];
}

/** Expression of a workgroup's number, given builtins `wid` (workgroup_id) and `groups` (num_workgroups). */
export const groupIndexText = 'wid.x + wid.y * groups.x';

/** Splits a long loop of work over workgroups of `size` invocations. */
export function groupsFor(items: number, size: number): number {
  return Math.max(1, Math.ceil(items / size));
}
