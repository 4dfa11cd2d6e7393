import { throwIfCancelled, type KernelTime, type Program, type ProgramPlan, type SegmentPlan } from '@pleinair/tensor';
import { runsOf } from '../parts/part-spec.js';
import type { Part, PartUse } from '../parts/part.js';
import type { PipelineShape } from '../parts/pipeline-shape.js';
import { familyTimes, type KernelProfile, type ProfiledKernel, type ProfiledSegment } from './kernel-profile.js';

/** What profiling a part needs. */
export interface ProfilePart {
  readonly part: Part;
  /** Of the part for the shape, as runs take it. */
  readonly plan: ProgramPlan;
  readonly shape: PipelineShape;
  readonly use: PartUse;
}

/**
 * Runs every segment of a part, first once to have its pipelines warm, then to time it. What tensors hold is what earlier
 * segments left there, or zeros: no kernel's time depends on it.
 *
 * @throws CancelledError, DeviceLostError; what loading weights throws.
 */
export function profilePart({ part, plan, shape, use }: ProfilePart): Promise<ProfiledSegment[]> {
  return part.use(plan, use, async (program) => {
    const segments: ProfiledSegment[] = [];
    for (const segment of plan.segments) {
      throwIfCancelled(use.signal, 'profile');
      await part.ready(program, segment.name, use);
      await program.run(segment.name, { signal: use.signal });
      const kernels = (await timesOf(program, segment, use.signal)).map(toKernel);
      segments.push({
        part: part.name,
        kind: part.kind,
        segment: segment.name,
        runs: runsOf(part.kind, segment.name, shape) * plan.graph.timesOf(segment.name),
        ms: kernels.reduce((sum, { ms }) => sum + ms, 0),
        kernels,
        families: familyTimes(kernels),
      });
    }
    return segments;
  });
}

/** How a device's dispatches are timed. */
export function profileSource({ device }: { readonly device: Program['device'] }): KernelProfile['source'] {
  return device.profile.features.timestampQuery ? 'timestamps' : 'planned';
}

async function timesOf(
  program: Program,
  segment: SegmentPlan,
  signal: AbortSignal | undefined,
): Promise<readonly KernelTime[]> {
  if (profileSource(program) === 'timestamps') return program.profileSegment(segment.name);
  const started = performance.now();
  await program.run(segment.name, { signal });
  return plannedTimes(segment, performance.now() - started, (cost) => program.device.pacer.workMs(cost));
}

/**
 * Divides the milliseconds of a segment's run among its dispatches.
 *
 * @param workOf - What a dispatch is expected to take, in any unit.
 */
export function plannedTimes(
  { nodes }: Pick<SegmentPlan, 'nodes'>,
  ms: number,
  workOf: (cost: SegmentPlan['nodes'][number]['dispatches'][number]) => number,
): KernelTime[] {
  const dispatches = nodes.flatMap(({ node, dispatches: each }) =>
    each.map((dispatch) => ({ node, dispatch, work: workOf(dispatch) })),
  );
  const all = dispatches.reduce((sum, { work }) => sum + work, 0);
  return dispatches.map(({ node: { op, label }, dispatch: { kernel, flops, bytesMoved }, work }) => ({
    op,
    label,
    kernel: kernel.name,
    ms: all > 0 ? (ms * work) / all : 0,
    flops,
    bytesMoved,
  }));
}

function toKernel({ kernel, ...rest }: KernelTime): ProfiledKernel {
  const slash = kernel.indexOf('/');
  const [family, variant] = slash < 0 ? [kernel, ''] : [kernel.slice(0, slash), kernel.slice(slash + 1)];
  return { ...rest, family, variant };
}
