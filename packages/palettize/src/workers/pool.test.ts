import { toHalfArray } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { ValueHistogram } from '../kmeans/histogram.js';
import { nodeWorkerSolver } from '../node-workers.js';
import { workerPool, type WorkerPort, type WorkerReply } from './pool.js';
import { directSolver, type ClusterTask } from './solver.js';

function task(seed: number, counts = [2, 16, 64]): ClusterTask {
  const histogram = new ValueHistogram('test');
  histogram.add(toHalfArray(randomArray(3000, seed)));
  const { values, counts: weights } = histogram.distribution();
  return { values, weights, counts };
}

/** A worker whose answers the test gives. */
class HandWorker implements WorkerPort {
  readonly tasks: ClusterTask[] = [];
  reply!: (reply: WorkerReply) => void;
  fail!: (reason: string) => void;
  terminated = false;

  post(given: ClusterTask) {
    this.tasks.push(given);
  }

  listen(onReply: (reply: WorkerReply) => void, onFailure: (reason: string) => void) {
    this.reply = onReply;
    this.fail = onFailure;
  }

  terminate() {
    this.terminated = true;
    return Promise.resolve();
  }
}

function handPool(workers: number) {
  const started: HandWorker[] = [];
  const pool = workerPool(() => {
    const worker = new HandWorker();
    started.push(worker);
    return worker;
  }, workers);
  return { pool, started };
}

describe('nodeWorkerSolver', () => {
  it.each([1, 3])('gives with %i workers what the calling thread gives', async (workers) => {
    const solver = nodeWorkerSolver({ workers });
    try {
      const tasks = [1, 2, 3, 4, 5].map((seed) => task(seed));
      const found = await Promise.all(tasks.map((one) => solver.cluster(one)));
      const expected = await Promise.all(tasks.map((one) => directSolver().cluster(one)));
      expect(found).toEqual(expected);
      expect(solver.concurrency).toBe(workers);
    } finally {
      await solver.close();
    }
  });

  it('tells a task that cannot be done, and goes on', async () => {
    const solver = nodeWorkerSolver({ workers: 1 });
    try {
      await expect(solver.cluster({ ...task(1), values: undefined as never })).rejects.toMatchObject({
        code: 'palettize/worker',
      });
      expect(await solver.cluster(task(1, [2]))).toHaveLength(1);
    } finally {
      await solver.close();
    }
  });
});

describe('workerPool', () => {
  it('starts workers as tasks come, up to its number, and queues the rest', async () => {
    const { pool, started } = handPool(2);
    const found = [1, 2, 3].map((seed) => pool.cluster(task(seed)));
    expect(started.map(({ tasks }) => tasks.length)).toEqual([1, 1]);
    started[1]!.reply({ ends: [[2]] });
    expect(await found[1]).toEqual([[2]]);
    expect(started[1]!.tasks).toHaveLength(2);
    started[1]!.reply({ ends: [[3]] });
    started[0]!.reply({ ends: [[1]] });
    expect(await Promise.all(found)).toEqual([[[1]], [[2]], [[3]]]);
  });

  it('replaces a worker that dies', async () => {
    const { pool, started } = handPool(1);
    const lost = pool.cluster(task(1));
    const next = pool.cluster(task(2));
    started[0]!.fail('out of memory');
    await expect(lost).rejects.toThrow(/out of memory/);
    expect(started).toHaveLength(2);
    started[1]!.reply({ ends: [[9]] });
    expect(await next).toEqual([[9]]);
  });

  it('tells that no worker could be started', async () => {
    const pool = workerPool(() => {
      throw new Error('no such file');
    }, 1);
    await expect(pool.cluster(task(1))).rejects.toMatchObject({ code: 'palettize/worker' });
  });

  it('cancels a waiting task at once, and a running one without hearing its answer', async () => {
    const { pool, started } = handPool(1);
    const [first, second] = [new AbortController(), new AbortController()];
    const running = pool.cluster(task(1), first.signal);
    const waiting = pool.cluster(task(2), second.signal);
    second.abort();
    first.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    const third = pool.cluster(task(3));
    expect(started[0]!.tasks).toHaveLength(1);
    started[0]!.reply({ ends: [[1]] });
    started[0]!.reply({ ends: [[3]] });
    expect(await third).toEqual([[3]]);
    await expect(pool.cluster(task(4), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('cancels all when closed', async () => {
    const { pool, started } = handPool(1);
    const found = [1, 2].map((seed) => pool.cluster(task(seed)));
    const settled = Promise.allSettled(found);
    await pool.close();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(started[0]!.terminated).toBe(true);
    await expect(pool.cluster(task(3))).rejects.toMatchObject({ code: 'cancelled' });
  });
});
