import type { PlanOptions, ProgramPlan } from '@pleinair/tensor';

/** Chooses among a kernel's variants; see `PlanOptions.pick`. */
export type Pick = NonNullable<PlanOptions['pick']>;

/** Plans one link under a choice of variants. */
type PlanLink = (pick: Pick) => ProgramPlan;

/** Takes the variant of this name, or the first whose name holds the text, wherever it is offered. */
export function forced(text: string): Pick {
  return (_key, variants) => variants.find((name) => name === text) ?? variants.find((name) => name.includes(text));
}

/** Every variant that is offered anywhere in a link, in the order in which they are offered. */
export function variantNames(plan: PlanLink): string[] {
  return [...new Set([...choicesOf(plan, () => undefined).values()].flat())];
}

/**
 * The variants that run, one a choice: those of which forcing one changes nothing of what is dispatched. Where a link has
 * no choice, the names of its kernels, the heaviest first.
 *
 * @param pick - The choice that was made; the heuristic's where it makes none.
 */
export function variantThatRuns(plan: PlanLink, pick: Pick = () => undefined): string {
  const wanted = fingerprint(plan(pick));
  const names = new Set<string>();
  for (const [key, variants] of choicesOf(plan, pick)) {
    const same = variants.find((name) => fingerprint(plan((k, all) => (k === key ? name : pick(k, all)))) === wanted);
    if (same !== undefined) names.add(same);
  }
  return names.size > 0 ? [...names].join(' + ') : kernelNames(plan(pick)).join(', ');
}

/** Names of the kernels in a plan, those with the most work first. */
export function kernelNames(plan: ProgramPlan): string[] {
  const weight = new Map<string, number>();
  for (const { dispatches } of plan.segments.flatMap(({ nodes }) => nodes)) {
    for (const { kernel, flops } of dispatches) weight.set(kernel.name, (weight.get(kernel.name) ?? 0) + flops);
  }
  return [...weight].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

function choicesOf(plan: PlanLink, pick: Pick): Map<string, readonly string[]> {
  const choices = new Map<string, readonly string[]>();
  plan((key, variants) => {
    choices.set(key, variants);
    return pick(key, variants);
  });
  return choices;
}

/** All that is dispatched. */
function fingerprint(plan: ProgramPlan): string {
  return plan.segments
    .flatMap(({ nodes }) => nodes)
    .flatMap(({ dispatches }) => dispatches)
    .map(({ kernel, workgroups }) => `${kernel.key}|${workgroups.join()}`)
    .join('\n');
}
