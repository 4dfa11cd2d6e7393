import { parseRecipeFile, type PaletteFile } from '@pleinair/palettize';
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

  it('bring the calibration that a recipe names, where it was opened', () => {
    const reference = { file: 'mine.calibration.safetensors', sha256: 'ab'.repeat(32) };
    const recipes: PaletteFile = { kind: 'recipes', name: 'mine.json', file: { ...file, calibration: reference } };
    const blob = new Blob(['x']);
    const calibration: PaletteFile = { kind: 'calibration', name: reference.file, blob };
    expect(weightsChoices([recipes, calibration], false).at(-1)).toMatchObject({
      calibration: { blob, name: reference.file, reference },
    });
    expect(weightsChoices([recipes, { ...calibration, name: 'other.safetensors' }], false).at(-1)).toMatchObject({
      calibration: undefined,
    });
  });

  it('have what is shipped of the demo model only', () => {
    expect(weightsChoices([], true).some(({ kind }) => kind === 'shipped')).toBe(true);
    expect(weightsChoices([], false).some(({ kind }) => kind === 'shipped')).toBe(false);
  });
});
