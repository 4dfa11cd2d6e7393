import { findAdapterNews } from './adapter-news.js';
import { PainterHolder } from './painter-holder.js';
import type { PictureOrder, RunEnd, RunNews, StudioEngine } from './protocol.js';
import { runOrder } from './run.js';
import { TokenCounter } from './token-counter.js';

/** Makes the engine that lives in the worker. */
export function createEngine(): StudioEngine {
  const painters = new PainterHolder();
  const tokens = new TokenCounter();
  let running: AbortController | undefined;
  return {
    findAdapter: findAdapterNews,

    async countTokens(model, prompts) {
      try {
        return await tokens.count(model, prompts);
      } catch {
        return undefined; // Painting will say what is wrong with the model.
      }
    },

    async paint(order: PictureOrder, tell: (news: RunNews) => unknown): Promise<RunEnd> {
      if (running) {
        return {
          kind: 'failed',
          code: 'program/busy',
          message: 'Studio paints one thing at a time. Cancel the other.',
        };
      }
      running = new AbortController();
      // News travels on a channel of its own: what was told has arrived before the run's end is.
      let arrived: unknown;
      try {
        const end = await runOrder(order, painters, (news) => (arrived = tell(news)), running.signal);
        await arrived;
        return end;
      } finally {
        running = undefined;
      }
    },

    cancel: () => running?.abort(),
    release: () => painters.release(),
  };
}
