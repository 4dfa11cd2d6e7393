import { describe, expect, it } from 'vitest';
import type { PictureOrder } from '../engine/protocol.js';
import type { ModelSpot } from '../models/studio-model.js';
import { EngineClient } from './engine-client.js';

/** A worker that answers nothing, and can die. */
class SilentWorker extends EventTarget {
  terminated = false;

  postMessage(): void {}

  terminate(): void {
    this.terminated = true;
  }

  die(message: string): void {
    this.dispatchEvent(Object.assign(new Event('error'), { message }));
  }
}

const order = { prompt: 'a cabin' } as PictureOrder;
const demo: ModelSpot = { kind: 'demo' };

describe('EngineClient', () => {
  it('ends a run whose worker has died, and starts another for the next', async () => {
    const workers: SilentWorker[] = [];
    const client = new EngineClient(() => {
      const worker = new SilentWorker();
      workers.push(worker);
      return worker as unknown as Worker;
    });
    expect(workers).toHaveLength(0);
    const run = client.paint(order, () => undefined);
    expect(workers).toHaveLength(1);
    workers[0]!.die('out of memory');
    expect(await run).toEqual({ kind: 'failed', code: 'engine/died', message: 'out of memory' });
    expect(workers[0]!.terminated).toBe(true);

    const second = client.paint(order, () => undefined);
    expect(workers).toHaveLength(2);
    workers[0]!.die('long gone'); // concerns nobody any more
    client.stop('stopped by hand');
    expect(await second).toMatchObject({ code: 'engine/died', message: 'stopped by hand' });
  });

  it('leaves nothing hanging on a worker that has died', async () => {
    const worker = new SilentWorker();
    const client = new EngineClient(() => worker as unknown as Worker);
    await client.forget(demo); // no worker, nothing to forget
    const adapter = client.findAdapter();
    const counts = client.countTokens(demo, ['a cabin']);
    const others = [client.cancel(), client.forget(demo)];
    worker.die('its script could not be loaded');
    const died = { kind: 'failed', code: 'engine/died', message: 'its script could not be loaded' };
    expect(await adapter).toEqual(died);
    expect(await counts).toBeUndefined();
    await Promise.all(others);
  });
});
