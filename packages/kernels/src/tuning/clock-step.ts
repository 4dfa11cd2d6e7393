/** Changes of the clock to watch. */
const changes = 5;

/**
 * Milliseconds between two readings of a clock that differ: browsers round theirs, to a tenth of a millisecond in some, to
 * a whole one in others.
 */
export function clockStepMs(now: () => number = () => performance.now()): number {
  let least = Infinity;
  for (let i = 0; i < changes; i++) {
    const before = now();
    let after = now();
    while (after === before) after = now();
    least = Math.min(least, after - before);
  }
  return least;
}
