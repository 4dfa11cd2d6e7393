import { findAdapterNews } from './adapter-news.js';
import { bonnetEngine } from './bonnet-engine.js';
import { PainterHolder } from './painter-holder.js';
import type { PictureOrder, RunEnd, RunNews, StudioEngine } from './protocol.js';
import { runOrder } from './run.js';
import { TokenCounter } from './token-counter.js';

/** Makes the engine that lives in the worker. */
export function createEngine(): StudioEngine {
  const painters = new PainterHolder();
  const tokens = new TokenCounter();
  let running: AbortController | undefined;
  const alone = <T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> | undefined => {
    if (running) return undefined;
    running = new AbortController();
    return body(running.signal).finally(() => (running = undefined));
  };
  return {
    ...bonnetEngine({ painters, alone }),
    findAdapter: findAdapterNews,

    async countTokens(model, prompts) {
      try {
        return await tokens.count(model, prompts);
      } catch {
        return undefined; // Painting will say what is wrong with the model.
      }
    },

    async paint(order: PictureOrder, tell: (news: RunNews) => unknown): Promise<RunEnd> {
      // News travels on a channel of its own: what was told has arrived before the run's end is.
      let arrived: unknown;
      const run = alone(async (signal) => {
        const end = await runOrder(order, painters, (news) => (arrived = tell(news)), signal);
        await arrived;
        return end;
      });
      return (
        run ?? {
          kind: 'failed',
          code: 'program/busy',
          message: 'Studio paints one thing at a time. Cancel the other.',
        }
      );
    },

    cancel: () => running?.abort(),
    release: () => painters.release(),
  };
}
