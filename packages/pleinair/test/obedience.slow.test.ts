import { expect, it } from 'vitest';
import { disobeyed, heldOutPrompts } from './obedience.js';

it('every asked attribute is found in at least 85 % of 200 held-out prompts, painted by this engine', async () => {
  const failed = await disobeyed(heldOutPrompts);
  console.log(
    `${heldOutPrompts.length - failed.length} of ${heldOutPrompts.length} obeyed; not: ${failed.join(' | ')}`,
  );
  expect(heldOutPrompts).toHaveLength(200);
  expect(1 - failed.length / heldOutPrompts.length).toBeGreaterThanOrEqual(0.85);
});
