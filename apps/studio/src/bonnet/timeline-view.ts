/** What of a timeline is shown, in milliseconds. */
export interface TimeView {
  readonly from: number;
  readonly to: number;
}

/** Closest view, as a share of the whole. */
const closest = 1 / 400;

/** A view nearer or farther by a factor, about a moment, and never beyond the whole. */
export function zoomed({ from, to }: TimeView, factor: number, about: number, whole: number): TimeView {
  const span = Math.min(whole, Math.max(whole * closest, (to - from) / factor));
  const share = to > from ? (about - from) / (to - from) : 0.5;
  return within(about - share * span, span, whole);
}

/** A view moved along. */
export function moved({ from, to }: TimeView, by: number, whole: number): TimeView {
  return within(from + by, to - from, whole);
}

/** A view of which a moment is part, moved no further than needed. */
export function showing({ from, to }: TimeView, begin: number, end: number, whole: number): TimeView {
  if (begin >= from && end <= to) return { from, to };
  return within((begin + end) / 2 - (to - from) / 2, to - from, whole);
}

function within(from: number, span: number, whole: number): TimeView {
  const start = Math.max(0, Math.min(from, whole - span));
  return { from: start, to: start + span };
}
