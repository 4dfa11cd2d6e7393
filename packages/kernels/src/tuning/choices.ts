import { planProgram, type DeviceProfile, type Dispatch, type PlanOptions } from '@pleinair/tensor';
import { hashText } from '../shader/hash-text.js';
import { kernelsOf } from './kernels-of.js';
import { alonePlan, nodeGraph } from './node-graph.js';
import type { TuningSubject } from './subject.js';

/** One way to do a shape. */
export interface SubjectVariant {
  readonly name: string;
  /** Keys of the kernels it dispatches, each once. */
  readonly kernels: readonly string[];
}

/** The ways there are to do a shape. */
export interface Choices {
  /** Those that dispatch something different from one another. */
  readonly variants: readonly SubjectVariant[];
  /** Name of the one taken without a tuner; absent where that is none of them, and so nothing can be compared with it. */
  readonly heuristic?: string;
}

/** What a shape's choices depend on besides the shape. */
export interface ChoicesOptions {
  readonly profile: DeviceProfile;
  /** Options of the plans that will be made. */
  readonly plan?: PlanOptions;
}

/** Lowers a subject's node in every variant. This composes all their kernels' texts: some milliseconds each. */
export function choicesOf(subject: TuningSubject, options: ChoicesOptions): Choices {
  const seen = new Map<string, SubjectVariant>();
  for (const name of subject.names) {
    const dispatches = lowerAlone(subject, name, options);
    const what = dispatchesText(dispatches);
    if (!seen.has(what)) seen.set(what, { name, kernels: kernelsOf(dispatches) });
  }
  const own = seen.get(dispatchesText(lowerAlone(subject, undefined, options)));
  return { variants: [...seen.values()], heuristic: own?.name };
}

/** Identifies the texts of a variant's kernels as they are now. */
export function kernelHash({ kernels }: SubjectVariant): string {
  return hashText(kernels.join());
}

/** As {@link kernelHash}, for one variant of a subject. */
export function currentHash(subject: TuningSubject, variant: string, options: ChoicesOptions): string {
  return kernelHash({ name: variant, kernels: kernelsOf(lowerAlone(subject, variant, options)) });
}

function lowerAlone(
  subject: TuningSubject,
  variant: string | undefined,
  { profile, plan }: ChoicesOptions,
): readonly Dispatch[] {
  const { segments } = planProgram(nodeGraph(subject), profile, alonePlan(subject, variant, plan));
  return segments[0]!.nodes.at(-1)!.dispatches;
}

/** All that makes one way to do a node differ from another. */
function dispatchesText(dispatches: readonly Dispatch[]): string {
  return JSON.stringify(
    dispatches.map(({ kernel, uniforms, workgroups }) => [
      kernel.key,
      workgroups,
      uniforms ? [...new Uint32Array(uniforms)] : [],
    ]),
  );
}
