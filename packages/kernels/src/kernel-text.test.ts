import {
  defaultProfile,
  Graph,
  plainRows,
  planProgram,
  WeightScope,
  type DeviceProfile,
  type PaletteForm,
  type Tensor,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../test/tint.js';
import { attentionVariants } from './attention/attention.js';
import {
  add,
  attention,
  blendLatents,
  concatChannels,
  embeddingWeight,
  gatherRows,
  groupNorm,
  groupNormStats,
  guideRescaled,
  latentsToRgba,
  layerNorm,
  modelInput,
  quickPreview,
  scaleBy,
  sd1LatentToRgb,
  sinusoidalEmbedding,
  solverStep,
  tokenEmbedding,
} from './index.js';

const software: DeviceProfile = {
  ...defaultProfile,
  isSoftware: true,
  features: { ...defaultProfile.features, subgroups: true },
  subgroupMinSize: 8,
  subgroupMaxSize: 8,
};
const profiles: Record<string, DeviceProfile> = {
  gpu: defaultProfile,
  lavapipe: software,
  swiftshader: { ...software, features: { ...software.features, shaderF16: false } },
  matrix: {
    ...defaultProfile,
    features: { ...defaultProfile.features, subgroups: true, subgroupMatrix: true },
    subgroupMatrixShapes: [
      { component: 'f16', result: 'f32', m: 16, n: 16, k: 16 },
      { component: 'f32', result: 'f32', m: 8, n: 8, k: 8 },
    ],
  },
};

/** Palettized tables. */
const forms: Readonly<Record<string, PaletteForm>> = {
  one: { bits: 1 },
  three: { bits: 3, group: 12 },
  six: { bits: 6 },
  eight: { bits: 8, group: 32 },
};

/** Every op of the families beside products, in every form of its text. */
function everyOp(dtype: 'f16' | 'f32', weightStorage: 'f16' | 'f32'): Graph {
  const palettes = (name: string): PaletteForm | undefined => forms[name.split('.')[0]!];
  const g = new Graph('every', { dtype, weightStorage, palettes });
  g.segment('run');
  const scope = new WeightScope(g);
  const vector = (name: string, length: number): { gamma: ReturnType<typeof scope.weight>; beta: ReturnType<typeof scope.weight> } => ({
    gamma: scope.weight(`${name}.weight`, [length], plainRows),
    beta: scope.weight(`${name}.bias`, [length], plainRows),
  }); // prettier-ignore
  const x = g.input('x', [2, 5, 3, 12]);
  const other = g.input('other', [2, 5, 3, 6]);
  const norms = { groups: 3, eps: 1e-6 };
  groupNorm(g, x, { ...vector('a', 12), ...norms, label: 'plain' });
  const first = groupNorm(g, x, { ...vector('a', 12), ...norms, silu: true, label: 'silu' });
  groupNorm(g, first, { ...vector('a', 12), ...norms, silu: true, label: 'in place' });
  groupNorm(g, x, { ...vector('b', 18), ...norms, second: other, label: 'aligned' });
  groupNorm(g, other, { ...vector('b', 18), ...norms, second: x, label: 'shifted' });
  groupNormStats(g, x, { ...vector('b', 18), ...norms, second: other, label: 'stats' });
  const normed = layerNorm(g, x, { ...vector('a', 12), eps: 1e-5, label: 'layer' });
  layerNorm(g, normed, { ...vector('a', 12), eps: 1e-5, label: 'layer in place' });

  for (const [heads, headDim] of [
    [2, 8],
    [3, 6],
    [1, 64],
    [1, 160],
    [1, 512],
  ] as const) {
    // prettier-ignore
    const name = `${heads}x${headDim}`;
    const q = g.input(`q${name}`, [2, 9, heads * headDim]);
    const [k, v] = ['k', 'v'].map((n) => g.input(`${n}${name}`, [2, 7, heads * headDim])) as [Tensor, Tensor];
    attention(g, { q, k, v, heads, label: name });
    attention(g, { q, k, v, heads, causal: true, label: `${name} causal` });
    attention(g, { q, k, v: k, heads, label: `${name} keys are values` });
    attention(g, { q, k: q, v: q, heads, label: `${name} all one` });
  }

  tokenEmbedding(g, g.input('ids', [2, 5], 'u32'), scope.weight('table', [9, 6], plainRows), scope.weight('places', [5, 6], plainRows), { label: 'tokens' }); // prettier-ignore
  for (const [at, channels] of Object.keys(forms).flatMap((name) => [8, 6].map((c) => [name, c] as const))) {
    const table = embeddingWeight(scope.in(`${at}.${channels}`), 40, channels);
    const places = scope.weight(`places${channels}`, [5, channels], plainRows);
    tokenEmbedding(g, g.input(`ids.${at}.${channels}`, [2, 5], 'u32'), table, places, { label: at });
  }
  const times = g.input('times', [2, 6], 'f32');
  sinusoidalEmbedding(g, times, { dim: 256, flipSinToCos: true, shift: 0, label: 'times' });
  sinusoidalEmbedding(g, times, { dim: 1, flipSinToCos: false, shift: 1, outDtype: 'f32', label: 'narrow' });
  gatherRows(g, g.input('sequences', [2, 5, 6]), g.input('rows', [2], 'u32'), { label: 'pooled' });

  const sum = add(g, x, normed, { label: 'sum' });
  scaleBy(g, sum, 2, { outDtype: 'f32', label: 'scaled' });
  concatChannels(g, x, other, { label: 'joined' });
  concatChannels(g, x, x, { label: 'twice' });
  latentsToRgba(g, g.input('image', [1, 5, 7, 3]), { label: 'rgba' });
  quickPreview(g, g.input('z', [1, 5, 7, 4]), { factors: sd1LatentToRgb, label: 'preview' });
  for (const slots of [0, 2]) {
    const planes = g.state(`planes${slots}`, [1 + slots, 1, 5, 7, 4], 'f32');
    const step = g.input(`step${slots}`, [2 + (1 + slots) * (slots + 3)], 'f32');
    const shown = modelInput(g, { planes, step, copies: 2, label: 'input' });
    const noise = g.input(`noise${slots}`, [1, 5, 7, 4], 'f32');
    solverStep(g, { planes, step, outputs: [shown], guided: true, label: 'guided' });
    const [a, b] = [g.input(`m${slots}`, [1, 5, 7, 4]), g.input(`c${slots}`, [1, 5, 7, 4])];
    solverStep(g, { planes, step, outputs: [a, b], guided: true, noise, label: 'in turn' });
    solverStep(g, { planes, step, outputs: [a], guided: false, noise, label: 'plain' });
    guideRescaled(g, { outputs: [shown], step, rescale: 2, label: 'rescaled' });
    guideRescaled(g, { outputs: [a, b], step, rescale: 2, label: 'rescaled in turn' });
    const [original, mask] = [g.input(`o${slots}`, [1, 5, 7, 4], 'f32'), g.input(`k${slots}`, [1, 5, 7, 4], 'f32')];
    blendLatents(g, { planes, step, first: 2, original, noise, mask, label: 'blend' });
  }
  return g;
}

describe('kernels of norms, attention, embeddings and latents as text', () => {
  for (const [name, profile] of Object.entries(profiles)) {
    for (const [dtype, storage] of [
      ['f32', 'f32'],
      ['f16', 'f16'],
      ['f32', 'f16'],
    ] as const) {
      // prettier-ignore
      it(`compile on ${name}, activations ${dtype}, weights ${storage}, every variant`, async () => {
        const kernels = new Map<string, ReturnType<typeof kernelsOf>[number]>();
        for (const wanted of [...attentionVariants.map((v) => v.name), 'workgroup', 'subgroup']) {
          const plan = planProgram(everyOp(dtype, storage), profile, {
            pick: (_shape, variants) => variants.find((v) => v === wanted),
          });
          for (const kernel of kernelsOf(plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches)))) {
            kernels.set(kernel.key, kernel);
          }
        }
        expect(kernels.size).toBeGreaterThan(60);
        expect(await tintErrors(kernels.values())).toEqual([]);
      });
    }
  }

  it('have few distinct pipelines: sizes are uniforms', () => {
    const g = new Graph('sizes', { dtype: 'f16' });
    g.segment('run');
    const scope = new WeightScope(g);
    for (const c of [64, 128, 192]) {
      const x = g.input(`x${c}`, [2, c / 4, c / 8, c]);
      const gamma = scope.weight(`gamma${c}`, [c], plainRows);
      const beta = scope.weight(`beta${c}`, [c], plainRows);
      const normed = groupNorm(g, x, { gamma, beta, groups: 32, eps: 1e-5, label: 'norm' });
      attention(g, { q: normed, k: x, v: x, heads: c / 64, label: 'attention' });
    }
    expect(planProgram(g, defaultProfile).pipelines).toBe(4);
  });

  it('count attention’s work exactly: two products, causal pairs only', () => {
    const g = new Graph('flops', { dtype: 'f16' });
    g.segment('run');
    const [q, k] = [g.input('q', [2, 100, 128]), g.input('k', [2, 77, 128])];
    attention(g, { q, k, v: k, heads: 2, label: 'cross' });
    expect(planProgram(g, defaultProfile).segments[0]!.flops).toBe(4 * 2 * 100 * 77 * 128);
    attention(g, { q: k, k, v: k, heads: 2, causal: true, label: 'causal' });
    expect(planProgram(g, defaultProfile).segments[0]!.flops).toBe(4 * 2 * (100 * 77 + (77 * 78) / 2) * 128);
  });

  it('bound the scores of the VAE’s wide head', () => {
    const g = new Graph('vae', { dtype: 'f16' });
    g.segment('run');
    const x = g.input('x', [1, 128, 128, 512]);
    attention(g, { q: x, k: x, v: x, heads: 1, label: 'mid' });
    const plan = planProgram(g, defaultProfile);
    // The output, 16.8 MB, and at most 8 MiB of scores and transposed keys; all scores would be 1.07 GB.
    expect(plan.intermediatesBytes).toBeLessThan(16.8e6 + 8.5e6);
  });
});
