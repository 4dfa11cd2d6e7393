import { storedBits } from '@pleinair/weights';
import { describe, expect, it } from 'vitest';
import { fileOf, halves, partOf, singlePart } from '../../test/parts.js';
import { fitPalettes } from '../apply/fit-palettes.js';
import { palettizedPart } from '../apply/palettized-tensors.js';
import { directSolver } from '../workers/solver.js';
import { applyRule, type PartRule } from './part-rule.js';
import { storedAverageBits } from './stored-average.js';

const sources = [
  halves('conv_in.weight', [32, 4, 3, 3], 1),
  halves('attn.to_q.weight', [64, 64], 2),
  halves('attn.to_k.weight', [36, 40], 3),
  halves('small.weight', [8, 4], 4),
  halves('norm.weight', [64], 5),
];
const options = { minWeights: 1000 };
const weights = 32 * 36 + 64 * 64 + 36 * 40;

describe('applyRule', () => {
  it('gives every candidate so many bits, and counts palettes and padded rows', () => {
    const { forms, averageBits } = applyRule('unet', { bits: 3 }, sources, options);
    expect([...forms]).toEqual([
      ['conv_in.weight', { shape: [32, 4, 3, 3], bits: 3, group: 0 }],
      ['attn.to_q.weight', { shape: [64, 64], bits: 3, group: 0 }],
      ['attn.to_k.weight', { shape: [36, 40], bits: 3, group: 0 }],
    ]);
    const padded = 32 * 36 + 64 * 64 + 64 * 40;
    expect(averageBits).toBeCloseTo((3 * padded + 3 * 16 * 8) / weights, 12);
  });

  it('takes what a recipe names, below the least size too; the rest of the candidates count as 16 bits', () => {
    const recipe = { 'attn.to_q': 4, 'attn.to_k.weight': 16, small: 8 } as const;
    const { forms, averageBits } = applyRule('unet', { recipe, group: 32 }, sources, options);
    expect([...forms.keys()]).toEqual(['attn.to_q.weight', 'small.weight']);
    expect(forms.get('attn.to_q.weight')).toEqual({ shape: [64, 64], bits: 4, group: 32 });
    expect(averageBits).toBeCloseTo((4 * 64 * 64 + 2 * 16 * 16 + 16 * (weights - 64 * 64)) / weights, 12);
  });

  it('names the recipe, or the part, when a layer is not there', () => {
    const recipe = { 'attn.to_v': 4 } as const;
    expect(() => applyRule('unet', { recipe }, sources)).toThrow(
      /^recipe of unet: expected .*nearest: attn\.to_q, attn\.to_k/,
    );
    expect(() => applyRule('unet', { recipe, name: 'r.json' }, sources)).toThrow(/^r\.json: /);
  });
});

describe('storedAverageBits', () => {
  it.each<[string, PartRule]>([
    ['one width', { bits: 4 }],
    ['one width in groups', { bits: 6, group: 8 }],
    ['a recipe of many', { recipe: { conv_in: 2, 'attn.to_q': 8 } }],
  ])('tells of a file what the rule told beforehand: %s', async (_, rule) => {
    const plain = await singlePart(sources);
    expect(storedAverageBits(plain, options)).toBeUndefined();
    const { forms, averageBits } = applyRule('unet', rule, plain.entries.values(), options);
    const { tensors, metadata } = palettizedPart(plain, await fitPalettes(plain, forms, { solver: directSolver() }));
    const stored = await partOf({ 'model.safetensors': await fileOf(tensors, metadata) });
    expect(storedAverageBits(stored, options)).toBeCloseTo(averageBits, 12);
    // Palettized layers count whatever their size; what is left alone counts from the least size on.
    const bits = [...forms.values()].reduce((sum, form) => sum + storedBits(form), 0);
    const kept = [...forms.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(storedAverageBits(stored, { minWeights: 1e9 })).toBeCloseTo(bits / kept, 12);
  });
});
