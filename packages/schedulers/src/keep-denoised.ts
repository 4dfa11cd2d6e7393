import type { Evaluation, SamplingPlan } from './plan.js';

/**
 * A plan that also keeps the clean latents which each evaluation predicts, x̂0, in one slot more, the last: what a preview
 * shows. As x̂0 is a linear map of latents and output like all a solver keeps, whatever runs a plan runs this one too;
 * the latents come out the same.
 */
export function keepDenoised(plan: SamplingPlan): SamplingPlan {
  const planes = 1 + plan.slots;
  const widen = ({ coefficients, denoised }: Evaluation): readonly (readonly number[])[] => [
    ...coefficients.map((row) => [...row.slice(0, planes), 0, ...row.slice(planes)]),
    [denoised.sample, ...Array.from({ length: planes }, () => 0), denoised.output, 0],
  ];
  return {
    ...plan,
    slots: plan.slots + 1,
    evaluations: plan.evaluations.map((evaluation) => ({ ...evaluation, coefficients: widen(evaluation) })),
  };
}
