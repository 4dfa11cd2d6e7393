import { parseRecipeFile } from '@pleinair/palettize';
import { describe, expect, it } from 'vitest';
import { weightsChoices } from './weights-choices.js';

describe('weights to compare', () => {
  const file = parseRecipeFile('mine.json', {
    recipes: { 'recipe_4.50_bit_mixedpalette': { conv_in: 4 }, odd: { conv_in: 8 } },
  });

  it('are the original, every width, and the recipes of files', () => {
    const labels = weightsChoices([{ kind: 'recipes', name: 'mine.json', file }], false).map(({ label }) => label);
    expect(labels[0]).toBe('Original, fp16');
    expect(labels.slice(-2)).toEqual(['mine: 4.50 bits', 'mine: odd']);
    expect(new Set(labels).size).toBe(labels.length);
  });

  it('have what is shipped of the demo model only', () => {
    expect(weightsChoices([], true).some(({ kind }) => kind === 'shipped')).toBe(true);
    expect(weightsChoices([], false).some(({ kind }) => kind === 'shipped')).toBe(false);
  });
});
