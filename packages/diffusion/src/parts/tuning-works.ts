import type { TuningWork } from '@pleinair/kernels';
import type { Graph } from '@pleinair/tensor';
import { STEP_SEGMENT } from '../denoise/denoiser-graph.js';
import type { PipelineShape } from './pipeline-shape.js';

/**
 * What the tuner is given of a pipeline: its parts' graphs, and how often their segments run for one picture. The step runs
 * as often as the model is evaluated, a text encoder for each chunk of both prompts, all else once.
 *
 * @param graphOf - Records a part, as for plans and runs.
 */
export function tuningWorks<Name extends string>(
  names: readonly Name[],
  graphOf: (name: Name) => Graph,
  { chunks, guided, solver }: PipelineShape,
): TuningWork[] {
  return names.map((part) => {
    const once = part.startsWith('text_encoder') ? chunks * (guided ? 2 : 1) : 1;
    return { part, graph: graphOf(part), runs: (segment) => (segment === STEP_SEGMENT ? solver.evaluations : once) };
  });
}
