import { expect, it } from 'vitest';
import { disobeyed, heldOutPrompts } from './obedience.js';

// The goldens prove that SwiftShader paints the same pictures; ten more there would only take minutes.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

it.skipIf(slow)(
  'pictures show what the sentence says: ten held-out prompts (asked of one adapter, not SwiftShader)',
  async () => {
    // Every 20th; the whole list is the slow test's. At 85 % in all, 7 or more of 10 fit in 95 of 100 samples.
    const sample = heldOutPrompts.filter((_, i) => i % 20 === 0);
    expect(sample).toHaveLength(10);
    expect((await disobeyed(sample)).length).toBeLessThanOrEqual(3);
  },
);
