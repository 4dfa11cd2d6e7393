import fc from 'fast-check';
import { expect, it } from 'vitest';
import { moved, showing, zoomed, type TimeView } from './timeline-view.js';

const whole = 700;
const inside = ({ from, to }: TimeView): boolean => from >= 0 && to <= whole + 1e-9 && to > from;
const view = fc
  .tuple(fc.double({ min: 0, max: 600, noNaN: true }), fc.double({ min: 5, max: 100, noNaN: true }))
  .map(([from, span]): TimeView => ({ from, to: from + span }));

it('never leaves the whole', () => {
  fc.assert(
    fc.property(
      view,
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      fc.double({ min: -900, max: 900, noNaN: true }),
      (shown, factor, by) => {
        expect(inside(zoomed(shown, factor, (shown.from + shown.to) / 2, whole))).toBe(true);
        expect(inside(moved(shown, by, whole))).toBe(true);
      },
    ),
  );
});

it('keeps the moment that it zooms about where it is', () => {
  expect(zoomed({ from: 100, to: 200 }, 2, 125, whole)).toEqual({ from: 112.5, to: 162.5 });
  expect(zoomed({ from: 100, to: 200 }, 1 / 1000, 125, whole)).toEqual({ from: 0, to: whole });
});

it('moves only to show what is not there', () => {
  const shown = { from: 100, to: 200 };
  expect(showing(shown, 120, 130, whole)).toEqual(shown);
  expect(showing(shown, 400, 420, whole)).toEqual({ from: 360, to: 460 });
});
