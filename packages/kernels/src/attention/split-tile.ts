import type { DeviceProfile, Tensor } from '@pleinair/tensor';
import { groupIndexText } from '../shader/grid.js';
import { teamUnsupported } from '../shader/team.js';
import { headColumns, type AttentionProblem } from './variant.js';

/**
 * A run of heads (numbered through all images) and of their queries. Its score rows are numbered head by head, query by
 * query.
 */
export interface ScoreTile {
  readonly firstHead: number;
  readonly heads: number;
  readonly firstQuery: number;
  readonly queries: number;
}

/**
 * How the split kernels share what they read. `plain`: every invocation loads for itself, or through workgroup memory.
 * `subgroup`: each lane of a small subgroup loads a part and passes it round, for adapters where a load costs as much as
 * many products (software ones fetch lane by lane).
 */
export type Sharing = 'plain' | 'subgroup';

/** Why lanes cannot pass values round as the kernels do it, or nothing. */
export function sharingUnsupported(profile: DeviceProfile): string | undefined {
  const why = teamUnsupported('subgroup', profile);
  if (why !== undefined) return why;
  return [4, 8].includes(profile.subgroupMaxSize) ? undefined : 'values are passed round in subgroups of 4 or 8 only';
}

/** Head of an entry point whose workgroups take one `task` each, with the head and image of its `tileHead`. */
export function splitMain(lanes: number, taskToTileHead: string): string {
  return `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = ${groupIndexText};
  if (task >= u.tasks) { return; }
  let tileHead = ${taskToTileHead};
  let image = (u.firstHead + tileHead) / u.heads;
  let head = (u.firstHead + tileHead) % u.heads;`;
}

/** The part of all query rows that a tile covers. */
export function tileShare({ batch, heads, queries }: AttentionProblem, tile: ScoreTile): number {
  return (tile.heads * tile.queries) / (batch * heads * queries);
}

/** Bytes of a tile's scores. */
export function scoreBytes({ keys }: AttentionProblem, tile: ScoreTile): number {
  return tile.heads * tile.queries * Math.ceil(keys / 4) * 16;
}

/** Bytes of the rows a tile touches in a tensor of queries and one of keys. */
export function operandBytes(problem: AttentionProblem, tile: ScoreTile, perQuery: Tensor, perKey: Tensor): number {
  const bytes = (t: Tensor): number => headColumns(problem) * (t.dtype === 'f16' ? 8 : 16);
  return tile.heads * (tile.queries * bytes(perQuery) + problem.keys * bytes(perKey));
}
