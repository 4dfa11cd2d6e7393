/** A box, in the units of the drawing. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A label that wants to stand by a point. */
export interface LabelWish {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** Where a label came to stand. */
export interface PlacedLabel extends LabelWish {
  /** Of the text's start, middle or end, and its base line. */
  readonly textX: number;
  readonly textY: number;
  readonly anchor: 'start' | 'middle' | 'end';
  /** So far from its point that a line should lead there. */
  readonly isFar: boolean;
}

/**
 * Puts labels beside their points where they cover least: not one another, not what is drawn, and within the bounds. The
 * first wishes choose first.
 *
 * @param obstacles - Points of what is drawn.
 * @param size - Height of the letters.
 */
export function placeLabels(
  wishes: readonly LabelWish[],
  obstacles: readonly { readonly x: number; readonly y: number }[],
  bounds: Box,
  size: number,
): PlacedLabel[] {
  const placed: Box[] = [];
  return wishes.map((wish) => {
    let best: { cost: number; label: PlacedLabel; box: Box } | undefined;
    for (const [i, label] of positions(wish, size).entries()) {
      const box = boxOf(label, size);
      const covered = obstacles.filter(({ x, y }) => inside(box, x, y)).length;
      const collisions = placed.filter((other) => overlap(box, other)).length;
      const outside = contains(bounds, box) ? 0 : 1;
      const cost = 1000 * (collisions + outside) + 10 * covered + i + (label.isFar ? farCost : 0);
      if (!best || cost < best.cost) best = { cost, label, box };
    }
    placed.push(best!.box);
    return best!.label;
  });
}

/** A label goes far only where it would cover some of what is drawn nearby. */
const farCost = 25;

function positions(wish: LabelWish, size: number): PlacedLabel[] {
  const { x, y } = wish;
  const away = 0.75 * size;
  const at = (dx: number, dy: number, anchor: PlacedLabel['anchor'], isFar = false): PlacedLabel => ({
    ...wish,
    textX: x + dx,
    textY: y + dy,
    anchor,
    isFar,
  });
  const middle = 0.35 * size;
  return [
    at(away, middle, 'start'),
    at(0, 1.7 * size, 'middle'),
    at(away, middle + size, 'start'),
    at(away, middle - size, 'start'),
    at(0, -away, 'middle'),
    at(-away, middle, 'end'),
    at(-away, middle + size, 'end'),
    at(-away, middle - size, 'end'),
    at(0, 3 * size, 'middle'),
    at(0, -2.2 * size, 'middle'),
    at(3 * size, -5 * size, 'start', true),
    at(3 * size, -6.6 * size, 'start', true),
    at(3 * size, -8.2 * size, 'start', true),
    at(-3 * size, 6 * size, 'end', true),
  ];
}

/** Letters of sans-serif fonts are some 0.58 of their height wide. */
function boxOf({ text, textX, textY, anchor }: PlacedLabel, size: number): Box {
  const width = 0.58 * size * text.length;
  const left = anchor === 'start' ? textX : anchor === 'end' ? textX - width : textX - width / 2;
  return { left, right: left + width, top: textY - 0.85 * size, bottom: textY + 0.25 * size };
}

function inside({ left, top, right, bottom }: Box, x: number, y: number): boolean {
  return x > left && x < right && y > top && y < bottom;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function contains(outer: Box, inner: Box): boolean {
  return (
    inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom
  );
}
