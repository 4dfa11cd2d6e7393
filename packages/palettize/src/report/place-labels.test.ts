import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeLabels, type PlacedLabel } from './place-labels.js';

const size = 10;
const bounds = { left: 0, top: 0, right: 400, bottom: 300 };

function box({ text, textX, textY, anchor }: PlacedLabel) {
  const width = 0.58 * size * text.length;
  const left = anchor === 'start' ? textX : anchor === 'end' ? textX - width : textX - width / 2;
  return { left, right: left + width, top: textY - 0.85 * size, bottom: textY + 0.25 * size };
}

describe('placeLabels', () => {
  it('stands to the right of a point where nothing hinders', () => {
    const [label] = placeLabels([{ text: 'fast', x: 100, y: 100 }], [], bounds, size);
    expect(label).toMatchObject({ anchor: 'start', textX: 107.5, textY: 103.5 });
  });

  it('goes elsewhere where lines are in the way, and at the edge', () => {
    const line = Array.from({ length: 20 }, (_, i) => ({ x: 100 + 5 * i, y: 100 }));
    const [label] = placeLabels([{ text: 'fast', x: 100, y: 100 }], line, bounds, size);
    const { left, right, top, bottom } = box(label!);
    expect(line.some(({ x, y }) => x > left && x < right && y > top && y < bottom)).toBe(false);
    const [edge] = placeLabels([{ text: 'published', x: 395, y: 100 }], [], bounds, size);
    expect(box(edge!).right).toBeLessThanOrEqual(400);
  });

  it('keeps labels of points that are some way apart from covering one another', () => {
    const points = fc.uniqueArray(fc.record({ x: fc.integer({ min: 2, max: 6 }), y: fc.integer({ min: 2, max: 9 }) }), {
      selector: ({ x, y }) => `${x} ${y}`,
      maxLength: 8,
    });
    fc.assert(
      fc.property(points, (places) => {
        const wishes = places.map(({ x, y }) => ({ text: '8-bit', x: 50 * x, y: 30 * y }));
        const boxes = placeLabels(wishes, [], bounds, size).map(box);
        boxes.forEach((a, i) =>
          boxes.slice(0, i).forEach((b) => {
            expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false);
          }),
        );
      }),
    );
  });
});
