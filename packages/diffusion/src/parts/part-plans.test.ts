import { defaultProfile, Graph, type PlanOptions, type PickVariant } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { PartPlans } from './part-plans.js';
import type { PartSpec } from './part-spec.js';
import type { PipelineShape } from './pipeline-shape.js';

const base: PipelineShape = {
  width: 64,
  height: 64,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  precision: 'f16',
  solver: { slots: 0, drawsNoise: false, evaluations: 2 },
};

const parts = [
  { name: 'text_encoder_2', kind: 'text-encoder', folder: 'text_encoder_2' },
  { name: 'unet', kind: 'denoiser', folder: 'unet' },
  { name: 'vae_encoder', kind: 'vae-encoder', folder: 'vae' },
  { name: 'vae_decoder', kind: 'vae-decoder', folder: 'vae' },
] as const satisfies readonly PartSpec[];

/** Plans of parts that each ask for one choice, and how often each part was recorded. */
function made(options: PlanOptions = {}): { plans: PartPlans; recorded: string[] } {
  const recorded: string[] = [];
  const record = (_shape: PipelineShape, part: string): Graph => {
    recorded.push(part);
    const g = new Graph(part, { dtype: 'f32' });
    g.segment('run');
    const x = g.input('x', [4]);
    g.add({
      op: 'made-up',
      label: part,
      inputs: [x],
      weights: [],
      outputs: [g.output('y', g.tensor('y', [4]))],
      lower: (context) => {
        const name = context.pick(`shape of ${part}`, ['plain', 'other', 'large'], ['plain', 'other']) ?? 'plain';
        const kernel = { name, key: name, wgsl: '', bindings: [], uniformBytes: 0 };
        return [{ kernel, bindings: [], workgroups: [1, 1, 1], flops: 1, bytesMoved: 0 }];
      },
    });
    return g;
  };
  return { plans: new PartPlans<string>(parts, record, defaultProfile, options), recorded };
}

const winning =
  (part: string, winner = 'other'): PickVariant =>
  (shape) =>
    shape === `shape of ${part}` ? winner : undefined;

describe('the plans of a pipeline’s parts', () => {
  it('are each made once, for all shapes that make no difference to the part', () => {
    const { plans, recorded } = made();
    const same = (part: string, other: Partial<PipelineShape>): boolean =>
      plans.plan(base, part) === plans.plan({ ...base, ...other }, part);
    expect(same('unet', {})).toBe(true);
    expect(recorded).toEqual(['unet']);
    expect(same('unet', { vae: 'tiled' })).toBe(true);
    expect(same('unet', { preview: true })).toBe(false);
    expect(same('unet', { chunks: 2 })).toBe(false);
    expect(same('unet', { solver: { ...base.solver, evaluations: 3 } })).toBe(false);
    expect(same('vae_decoder', { vae: 'exact', chunks: 2, guided: false })).toBe(true);
    expect(same('vae_decoder', { vae: 'tiled' })).toBe(false);
    expect(same('vae_decoder', { width: 72 })).toBe(false);
    expect(same('text_encoder_2', { width: 72, chunks: 2, vae: 'tiled' })).toBe(true);
    expect(same('text_encoder_2', { precision: 'f32' })).toBe(false);
    expect(same('text_encoder_2', { clipSkip: 1 })).toBe(false);
    expect(same('vae_encoder', { vae: 'tiled', guided: false })).toBe(true);
    expect(same('vae_encoder', { encoder: 'tiled' })).toBe(false);
    expect(same('unet', { encoder: 'tiled', clipSkip: 1 })).toBe(true);
    expect(same('unet', { blend: true })).toBe(false);
    expect(same('unet', { rescale: true })).toBe(false);
  });

  it('are others under a tuner’s choices only where those change something', () => {
    const { plans, recorded } = made();
    const pick = winning('unet');
    const untuned = plans.plan(base, 'vae_decoder');
    expect(plans.plan(base, 'vae_decoder', { pick })).toBe(untuned);
    const tuned = plans.plan(base, 'unet', { pick });
    expect(tuned).not.toBe(plans.plan(base, 'unet'));
    expect(tuned.kernelKeys).toEqual(['other']);
    expect(plans.plan(base, 'unet').kernelKeys).toEqual(['plain']);
    expect(plans.plan(base, 'unet', { pick })).toBe(tuned);
    // Of one recording: weights and tensors are the same objects.
    expect(tuned.graph).toBe(plans.plan(base, 'unet').graph);
    expect(recorded).toEqual(['vae_decoder', 'unet']);
    expect(plans.plan(base, 'unet', { pick: winning('unet', 'large') }).kernelKeys).toEqual(['large']);
  });

  it('go by what the caller has fixed before any tuner', () => {
    const { plans } = made({ pick: winning('unet', 'large') });
    const plan = plans.plan(base, 'unet');
    expect(plan.kernelKeys).toEqual(['large']);
    expect(plans.plan(base, 'unet', { pick: winning('unet') })).toBe(plan);
  });

  it('are kept for a few shapes, those used last', () => {
    const { plans, recorded } = made();
    const size = (i: number): PipelineShape => ({ ...base, width: 64 + 8 * i });
    for (let i = 0; i < 20; i++) plans.plan(size(i), 'unet');
    plans.plan(size(0), 'unet'); // used again
    plans.plan(size(20), 'unet'); // one too many
    expect(recorded).toHaveLength(21);
    plans.plan(size(0), 'unet');
    expect(recorded).toHaveLength(21);
    plans.plan(size(1), 'unet');
    expect(recorded).toHaveLength(22);
  });
});
