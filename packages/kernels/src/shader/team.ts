import type { DeviceProfile } from '@pleinair/tensor';

/**
 * How invocations that share a row sum up: a workgroup of 64 through its memory, or one subgroup with no barrier, which
 * needs the subgroup size known beforehand.
 */
export type TeamKind = 'workgroup' | 'subgroup';

/** Reductions a team can do. */
type Reduction = 'sum' | 'max';

/** Invocations working together; the workgroup's size. */
export interface Team {
  readonly lanes: number;
  /** WGSL extensions its text needs. */
  readonly enables: readonly string[];
  /** Functions `teamSum`, `teamMax` `(lane: u32, v: f32) -> f32`, to be called in uniform control flow. */
  readonly text: string;
}

const workgroupLanes = 64;

/** Why a kind of team cannot work on an adapter, or nothing. */
export function teamUnsupported(kind: TeamKind, profile: DeviceProfile): string | undefined {
  if (kind === 'workgroup') return undefined;
  if (!profile.features.subgroups) return 'the adapter has no subgroups';
  if (profile.subgroupMinSize !== profile.subgroupMaxSize) return 'the subgroup size is not known beforehand';
  return undefined;
}

/** A team that can do these reductions. */
export function teamOf(kind: TeamKind, reductions: readonly Reduction[], profile: DeviceProfile): Team {
  if (kind === 'subgroup') {
    return {
      lanes: profile.subgroupMaxSize,
      enables: ['subgroups'],
      text: reductions
        .map((r) =>
          r === 'sum'
            ? 'fn teamSum(lane: u32, v: f32) -> f32 { return subgroupAdd(v); }'
            : 'fn teamMax(lane: u32, v: f32) -> f32 { return subgroupMax(v); }',
        )
        .join('\n'),
    };
  }
  const functions = reductions.map((r) => {
    const [name, joined] =
      r === 'sum'
        ? ['teamSum', 'teamParts[lane] + teamParts[lane + half]']
        : ['teamMax', 'max(teamParts[lane], teamParts[lane + half])'];
    return `fn ${name}(lane: u32, v: f32) -> f32 {
  workgroupBarrier();
  teamParts[lane] = v;
  for (var half = ${workgroupLanes / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { teamParts[lane] = ${joined}; }
  }
  workgroupBarrier();
  return teamParts[0];
}`;
  });
  return {
    lanes: workgroupLanes,
    enables: [],
    text: `var<workgroup> teamParts: array<f32, ${workgroupLanes}>;\n${functions.join('\n')}`,
  };
}
