import { describe, expect, it } from 'vitest';
import { demoSizes, nearestSize, sdxlSizes, sizesFor } from './size-presets.js';

describe('sizes', () => {
  it('suit the side that a model was made for, and are multiples of 8', () => {
    expect(sizesFor(1024)).toBe(sdxlSizes);
    expect([768, 512, 128].map((side) => sizesFor(side)[0])).toMatchObject([
      { width: 768, height: 768 },
      { width: 512, height: 512 },
      { width: 128, height: 128 },
    ]);
    const all = [1024, 768, 512].flatMap((side) => sizesFor(side)).concat(demoSizes);
    expect(all.filter(({ width, height }) => width % 8 !== 0 || height % 8 !== 0)).toEqual([]);
  });

  it('are taken by proportions, whichever way round and however large the picture is', () => {
    const taken = (width: number, height: number) => nearestSize(sdxlSizes, width, height).label;
    expect([taken(4000, 3000), taken(1080, 1920), taken(50, 50), taken(600, 100)]).toEqual([
      'Landscape 4:3',
      'Tall 9:16',
      'Square',
      'Wide 16:9',
    ]);
  });
});
