import { expect, test } from 'vitest';
import { ElementRanges } from './element-ranges.js';

test('counts each element once, in whatever order and overlap ranges come', () => {
  const length = 40;
  let state = 12345;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  for (let round = 0; round < 200; round++) {
    const ranges = new ElementRanges();
    const marked = new Set<number>();
    for (let i = 0; i < 12; i++) {
      const start = random(length);
      const end = start + random(8); // some are empty
      ranges.add(start, end);
      for (let at = start; at < end; at++) marked.add(at);
      expect(ranges.count).toBe(marked.size);
    }
  }
});
