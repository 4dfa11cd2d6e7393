import { describe, expect, it, vi } from 'vitest';
import { Clock } from './clock.js';

describe('Clock', () => {
  it('counts each millisecond once: loading, compiling and inner phases apart from the phase they interrupt', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const clock = new Clock();
      const pass = (ms: number): void => void vi.advanceTimersByTime(ms);
      await clock.time('denoiseMs', async () => {
        pass(100);
        clock.loaded(30);
        pass(20);
        clock.compiled(15);
        await clock.time('previewMs', () => {
          pass(7);
          clock.loaded(2);
          return Promise.resolve();
        });
        pass(1);
      });
      expect(clock.timings()).toMatchObject({
        loadMs: 32,
        compileMs: 15,
        previewMs: 5,
        denoiseMs: 128 - 32 - 15 - 5,
        totalMs: 128,
      });
    } finally {
      vi.useRealTimers();
    }
  });
});
