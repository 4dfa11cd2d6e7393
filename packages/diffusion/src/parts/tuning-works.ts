import type { TuningWork } from '@pleinair/kernels';
import { isPlan, type Graph, type PickVariant, type ProgramPlan } from '@pleinair/tensor';
import { runsOf, type PartSpec } from './part-spec.js';
import type { PipelineShape } from './pipeline-shape.js';

/**
 * What the tuner is given of a pipeline: its parts' graphs, and how often their segments run for one picture. The step runs
 * as often as the model is evaluated, a text encoder for each chunk of both prompts, segments by bands once a band, all else
 * once.
 *
 * @param formOf - Records a part, as for plans and runs, or gives its plan for the tuner's adapter: by a tuner's choices
 *   where there are any.
 */
export function tuningWorks<Name extends string>(
  parts: readonly PartSpec<Name>[],
  formOf: (name: Name, pick?: PickVariant) => Graph | ProgramPlan,
  shape: PipelineShape,
): TuningWork[] {
  return parts.map(({ name: part, kind }) => {
    const form = formOf(part);
    const planWith = (pick: PickVariant): ProgramPlan => formOf(part, pick) as ProgramPlan;
    const what = isPlan(form) ? { graph: form.graph, plan: form, planWith } : { graph: form };
    return { part, ...what, runs: (segment) => runsOf(kind, segment, shape) * what.graph.timesOf(segment) };
  });
}
