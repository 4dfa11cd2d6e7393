import { describe, expect, it } from 'vitest';
import { sampleFile, sampleLayers } from '../../test/sample-recipe-file.js';
import { averageBits } from './average-bits.js';
import { parseRecipeFile } from './recipe-file.js';
import { recipeSizes } from './recipe-sizes.js';

const weights = sampleLayers().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

describe('recipeSizes', () => {
  it('is exact where the analysis tells shapes', () => {
    const file = sampleFile();
    const sizes = recipeSizes(file)!;
    const candidates = sampleLayers().map(({ layer, shape }) => ({
      layer,
      shape,
      weights: shape.reduce((a, b) => a * b, 1),
    }));
    for (const [name, recipe] of Object.entries(file.recipes)) {
      const bits = sizes.averageBits((layer) => recipe[layer]);
      expect(bits).toBe(averageBits(candidates, (layer) => recipe[layer]));
      expect(name).toContain(bits.toFixed(2));
    }
    expect(sizes).toMatchObject({ weights, countsPalettes: true });
    expect(sizes.layers).toEqual(sampleLayers().map(({ layer }) => layer));
  });

  it('goes by numbers of weights in published files, in the order of the model', () => {
    const sizes = recipeSizes(sampleFile({ published: true }))!;
    expect(sizes).toMatchObject({ weights, countsPalettes: false });
    expect(sizes.layers).toEqual(sampleLayers().map(({ layer }) => layer));
    expect(sizes.averageBits(() => 4)).toBe(4);
    const half = 16 - (12 * sizes.weightsOf('mid_block.resnets.0.conv1')) / weights;
    expect(sizes.averageBits((layer) => (layer === 'mid_block.resnets.0.conv1' ? 4 : undefined))).toBeCloseTo(half, 9);
  });

  it('knows nothing of files with recipes alone', () => {
    expect(recipeSizes({ ...sampleFile({ published: true }), single_layer: {}, cumulative: {} })).toBeUndefined();
  });
});

describe('the account of an analysis', () => {
  it('is read back with layers and group', () => {
    const file = sampleFile();
    expect(parseRecipeFile('file', JSON.parse(JSON.stringify(file)))).toEqual(file);
  });

  it.each([
    ['layers without shapes', { layers: [{ layer: 'a' }] }],
    ['layers of three axes', { layers: [{ layer: 'a', shape: [1, 2, 3] }] }],
    ['a table for a list', { layers: { a: [1, 2] } }],
    ['a group that is no number', { group: 'all' }],
  ])('refuses %s', (_, change) => {
    const file = sampleFile();
    const broken: unknown = JSON.parse(JSON.stringify({ ...file, analysis: { ...file.analysis, ...change } }));
    expect(() => parseRecipeFile('file', broken)).toThrow(expect.objectContaining({ code: 'recipe/invalid' }));
  });
});
