import { defaultProfile, planProgram, type DeviceProfile, type PlanOptions } from '@pleinair/tensor';
import type { PartSpec } from './part-spec.js';
import type { PartRecorder, PipelineShape } from './pipeline-shape.js';
import { partPlan, planParts, type PartPlan, type PipelinePlan } from './plan-parts.js';
import { planOrSayWhatFits } from './what-fits.js';

/** A whole pipeline's figures, and the shape they are for. */
export interface ShapedPlan<Name extends string> extends PipelinePlan<Name> {
  readonly shape: PipelineShape;
  /** The parts as they run (the decoder as `shape.vae` says), and the decoder in bands whether it runs so or not. */
  readonly components: Readonly<Record<Name, PartPlan>> & { readonly vae_decoder_tiled: PartPlan };
}

/**
 * Plans every part of a pipeline for an adapter. Needs no GPU and no weights.
 *
 * @param record - Records a part; the run must use the same graphs, so that its figures are these.
 * @param options - What the run is planned with, such as a tuner's choices.
 * @throws ShapeError `shape/size`; DeviceError `device/limit`, which says what fits.
 */
export function planPipeline<Name extends string>(
  parts: readonly PartSpec<Name>[],
  record: PartRecorder<Name | 'vae_decoder'>,
  shape: PipelineShape,
  profile: DeviceProfile = defaultProfile,
  options: PlanOptions = {},
): ShapedPlan<Name> {
  return planOrSayWhatFits(shape, (each) => {
    const plan = planParts(parts, (name) => record(each, name), profile, options);
    const tiled = planProgram(record({ ...each, vae: 'tiled' }, 'vae_decoder'), profile, options);
    return { ...plan, components: { ...plan.components, vae_decoder_tiled: partPlan(tiled) }, shape: each };
  });
}
