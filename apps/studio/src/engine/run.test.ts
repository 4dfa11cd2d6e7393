import { PleinairError, type GenerateRequest, type GenerateResult, type Painter, type RunState } from 'pleinair';
import { describe, expect, it } from 'vitest';
import type { PictureOrder, RunNews } from './protocol.js';
import { runOrder } from './run.js';

const order: PictureOrder = {
  model: { kind: 'demo' },
  memory: 'auto',
  prompt: 'a cabin',
  width: 8,
  height: 8,
  steps: 4,
  guidance: 4,
  seed: 5,
  count: 1,
  preview: 'off',
};
const lost = (): PleinairError => new PleinairError('device/lost', 'device: lost');

/** Painters of which each call of `generate` does what the next of `scripts` says. */
function painters(scripts: ((request: GenerateRequest) => Promise<Partial<GenerateResult>>)[]) {
  const calls: GenerateRequest[] = [];
  let released = 0;
  const painter = {
    adapter: 'a GPU',
    generate: async (request: GenerateRequest) => {
      calls.push(request);
      return {
        stepsPerSecond: 1,
        memory: { peakBytes: 1, mode: 'low' },
        notes: [],
        ...(await scripts[calls.length - 1]!(request)),
      };
    },
  } as unknown as Painter;
  return {
    calls,
    released: () => released,
    holder: { get: () => Promise.resolve(painter), release: () => void released++ },
  };
}

async function run({ holder }: ReturnType<typeof painters>) {
  const news: RunNews[] = [];
  const end = await runOrder(order, holder, (each) => news.push(each), new AbortController().signal);
  return { end, news };
}

/** Tells of a step as the engine does, with a state to go on from. */
async function step({ onStep }: GenerateRequest, evaluations: number): Promise<void> {
  const state = { picture: 0, evaluations } as RunState;
  await onStep?.({ picture: 0, step: evaluations, steps: 4, timestep: 0, stepsPerSecond: 1, state });
}

const picture = { seed: 5, width: 1, height: 1, rgba: new Uint8ClampedArray(4), latents: new Float32Array(4) };
const origin = {
  prompt: 'a cabin',
  model: 'm',
  seed: 5,
  steps: 4,
  guidance: 4,
  scheduler: 'euler',
  rng: 'torch',
  width: 1,
  height: 1,
} as const;

describe('runOrder', () => {
  it('goes on from the last finished step after a lost device, and shows no picture twice', async () => {
    const all = painters([
      async (request) => {
        await step(request, 1);
        await step(request, 2);
        throw lost();
      },
      async (request) => {
        await step(request, 4);
        await request.onImage?.(picture, origin);
        throw lost();
      },
      async (request) => {
        await request.onImage?.(picture, origin);
        return {};
      },
    ]);
    const { end, news } = await run(all);
    expect(end).toMatchObject({ kind: 'done', recovered: 2, adapter: 'a GPU' });
    expect(all.calls.map(({ resume }) => resume?.evaluations)).toEqual([undefined, 2, 4]);
    expect(news.filter(({ kind }) => kind === 'picture')).toHaveLength(1);
    expect(news.filter(({ kind }) => kind === 'device-lost')).toMatchObject([{ step: 2 }, { step: 4 }]);
    expect(all.released()).toBe(2);
  });

  it('gives up on a device that is lost again and again without a step between', async () => {
    const all = painters(Array.from({ length: 9 }, () => () => Promise.reject(lost())));
    const { end } = await run(all);
    expect(end).toMatchObject({ kind: 'failed', code: 'device/lost' });
    expect(all.calls).toHaveLength(3);
  });

  it('tells of failures by code, and frees the GPU where it is to blame', async () => {
    const full = painters([() => Promise.reject(new PleinairError('device/out-of-memory', 'no room'))]);
    expect((await run(full)).end).toEqual({ kind: 'failed', code: 'device/out-of-memory', message: 'no room' });
    expect(full.released()).toBe(1);
    const wrong = painters([() => Promise.reject(new PleinairError('shape/size', 'odd'))]);
    expect((await run(wrong)).end).toMatchObject({ code: 'shape/size' });
    expect(wrong.released()).toBe(0);
    const cancelled = painters([() => Promise.reject(new PleinairError('cancelled', 'generate: cancelled.'))]);
    expect((await run(cancelled)).end).toEqual({ kind: 'cancelled' });
  });
});
