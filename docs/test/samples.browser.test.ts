// Samples marked `in-browser` are run in a page, with the demo model.
import { samples } from 'virtual:samples';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSampleHub } from './world/browser-world.js';

describe('samples of the documents that want a page', () => {
  let hub: Awaited<ReturnType<typeof openSampleHub>>;
  beforeAll(async () => {
    hub = await openSampleHub();
  });
  afterAll(() => hub?.close());
  afterEach(() => vi.restoreAllMocks());

  it.each(Object.entries(samples))('%s runs', async (_, run) => {
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const complain = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await run();
    expect(complain.mock.calls).toEqual([]);
  });
});
