import { describe, expect, it } from 'vitest';
import { OneAtATime } from './one-at-a-time.js';

/** Work that goes on until it is cancelled, and ends some time after. */
const untilCancelled = (log: string[]) => (signal: AbortSignal) =>
  new Promise<string>((resolve) => {
    signal.addEventListener('abort', () => {
      log.push('cancelled');
      setTimeout(() => {
        log.push('ended');
        resolve('cancelled');
      }, 5);
    });
  });

describe('OneAtATime', () => {
  it('lets nothing begin while something is under way, and the next when it has ended or failed', async () => {
    const work = new OneAtATime();
    const first = work.start('a', () => Promise.reject(new Error('broken')));
    expect(work.start('b', () => Promise.resolve(1))).toBeUndefined();
    await expect(first).rejects.toThrow('broken');
    expect(await work.start('b', () => Promise.resolve(1))).toBe(1);
  });

  it('ends what is about something, waits for it, and leaves other work alone', async () => {
    const work = new OneAtATime();
    const log: string[] = [];
    const run = work.start('a model', untilCancelled(log))!;
    await work.end('another');
    expect(log).toEqual([]);
    await work.end('a model');
    expect(log).toEqual(['cancelled', 'ended']);
    expect(await run).toBe('cancelled');
    await work.end('a model'); // nothing is under way
  });

  it('does not fail with what it ends', async () => {
    const work = new OneAtATime();
    const run = work.start(
      'a model',
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('broken')))),
    )!;
    const seen = run.catch(String);
    await work.end('a model');
    expect(await seen).toBe('Error: broken');
  });
});
