import type { ModelSpot } from '../models/studio-model.js';
import { findAdapterNews } from './adapter-news.js';
import { bonnetEngine } from './bonnet-engine.js';
import { OneAtATime } from './one-at-a-time.js';
import { spotKey } from './open-spot.js';
import { PainterHolder } from './painter-holder.js';
import type { PictureOrder, RunEnd, RunNews, StudioEngine } from './protocol.js';
import { runOrder } from './run.js';
import { TokenCounter } from './token-counter.js';

/** Makes the engine that lives in the worker. */
export function createEngine(): StudioEngine {
  const painters = new PainterHolder();
  const tokens = new TokenCounter();
  const work = new OneAtATime();
  return {
    ...bonnetEngine({ painters, work }),
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
      const run = work.start(spotKey(order.model), async (signal) => {
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

    cancel: () => work.cancel(),

    async forget(model: ModelSpot): Promise<void> {
      await work.end(spotKey(model));
      painters.forget(model);
      tokens.forget(model);
    },
  };
}
