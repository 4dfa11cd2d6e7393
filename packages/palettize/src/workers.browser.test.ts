import { toHalfArray } from '@pleinair/tensor';
import { expect, it } from 'vitest';
import { ValueHistogram } from './kmeans/histogram.js';
import { directSolver } from './workers/solver.js';
import { webWorkerSolver } from './web-workers.js';

it('clusters on web workers as in the page', async () => {
  const solver = webWorkerSolver({ workers: 2 });
  try {
    const tasks = [1, 2, 3, 4].map((seed) => {
      const histogram = new ValueHistogram('test');
      // @pleinair/testing reads files, so it does not load in a browser.
      histogram.add(toHalfArray(Float32Array.from({ length: 20_000 }, (_, i) => Math.sin(i * i * seed))));
      const { values, counts: weights } = histogram.distribution();
      return { values, weights, counts: [2, 16, 256] };
    });
    const found = await Promise.all(tasks.map((task) => solver.cluster(task)));
    expect(found).toEqual(await Promise.all(tasks.map((task) => directSolver().cluster(task))));
    const control = new AbortController();
    const cancelled = solver.cluster(tasks[0]!, control.signal);
    control.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
  } finally {
    await solver.close();
  }
});
