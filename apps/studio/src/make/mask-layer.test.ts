import { describe, expect, it } from 'vitest';
import { MaskLayer } from './mask-layer.js';

const painted = (layer: MaskLayer): string[] =>
  Array.from({ length: layer.height }, (_, y) =>
    Array.from(layer.values.subarray(y * layer.width, (y + 1) * layer.width), (v) => (v === 255 ? '#' : '.')).join(''),
  );

describe('MaskLayer', () => {
  it('paints a round dab and tells what changed', () => {
    const layer = new MaskLayer(7, 5);
    expect(layer.stroke({ x: 3.5, y: 2.5 }, { x: 3.5, y: 2.5 }, 1.5, 255)).toEqual({
      left: 2,
      top: 1,
      width: 4,
      height: 4,
    });
    expect(painted(layer)).toEqual(['.......', '..###..', '..###..', '..###..', '.......']);
  });

  it('paints along the way between two points, without gaps, and erases the same way', () => {
    const layer = new MaskLayer(9, 3);
    layer.stroke({ x: 1.5, y: 1.5 }, { x: 7.5, y: 1.5 }, 0.6, 255);
    expect(painted(layer)).toEqual(['.........', '.#######.', '.........']);
    layer.stroke({ x: 4.5, y: 1.5 }, { x: 4.5, y: 1.5 }, 0.6, 0);
    expect(painted(layer)[1]).toBe('.###.###.');
    expect(layer.share).toBeCloseTo(6 / 27);
  });

  it('clips strokes to its edges and leaves them out where they miss it', () => {
    const layer = new MaskLayer(4, 4);
    expect(layer.stroke({ x: -9, y: -9 }, { x: -8, y: -8 }, 2, 255)).toMatchObject({ width: 0, height: 0 });
    expect(layer.share).toBe(0);
    layer.stroke({ x: 0, y: 0 }, { x: 0, y: 0 }, 1, 255);
    expect(painted(layer)).toEqual(['#...', '....', '....', '....']);
  });

  it('inverts, clears and restores', () => {
    const layer = new MaskLayer(3, 1);
    layer.stroke({ x: 0.5, y: 0.5 }, { x: 0.5, y: 0.5 }, 0.5, 255);
    const before = layer.values.slice();
    layer.invert();
    expect(painted(layer)).toEqual(['.##']);
    layer.clear();
    expect(layer.share).toBe(0);
    layer.restore(before);
    expect(painted(layer)).toEqual(['#..']);
  });

  it('becomes a picture that is white where it is made anew, and comes back from it', () => {
    const layer = new MaskLayer(2, 1);
    layer.stroke({ x: 1.5, y: 0.5 }, { x: 1.5, y: 0.5 }, 0.5, 255);
    const pixels = layer.toPixels();
    expect([...pixels.rgba]).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
    expect(new MaskLayer(2, 1, pixels).values).toEqual(layer.values);
    expect(new MaskLayer(4, 4, pixels).share).toBe(0);
  });
});
