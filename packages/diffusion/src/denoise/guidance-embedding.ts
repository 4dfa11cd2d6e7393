import type { Program } from '@pleinair/tensor';
import { guidanceHalves, type DenoiserShape, type GuidanceShape } from './denoiser-graph.js';

/**
 * The guidance scale as UNets distilled under guidance are told it (LCM): sinusoids of 1000·(scale − 1), sines first, then
 * cosines, as diffusers' `get_guidance_scale_embedding`.
 *
 * @param dim - `time_cond_proj_dim`.
 */
export function guidanceEmbedding(guidance: number, dim: number): Float32Array<ArrayBuffer> {
  const half = Math.floor(dim / 2);
  const out = new Float32Array(dim); // an odd width ends in a zero
  for (let i = 0; i < half; i++) {
    const angle = (guidance - 1) * 1000 * Math.exp((-Math.log(10000) * i) / (half - 1));
    out[i] = Math.sin(angle);
    out[half + i] = Math.cos(angle);
  }
  return out;
}

/** Writes the guidance scale for every evaluation, before `prepareSchedule`; for UNets with a `timeCondDim`. */
export function writeGuidanceEmbedding(
  program: Program,
  shape: GuidanceShape & Pick<DenoiserShape, 'evaluations'>,
  guidance: number,
  dim: number,
): void {
  const rows = guidanceHalves(shape)[0]!.batch * shape.evaluations;
  const one = guidanceEmbedding(guidance, dim);
  const all = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) all.set(one, row * dim);
  program.write('timestep_cond', all);
}
