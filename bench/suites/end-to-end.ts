import { median, type BenchResult } from '@pleinair/bench';
import { join } from 'node:path';
import { load } from 'pleinair';
import type { BenchContext } from './context.js';

const request = { prompt: 'a snowy mountain under a full moon', seed: 7, steps: 20 };

/** A whole picture of the demo model, 20 steps: the first, which loads and compiles, and later ones. */
export async function* endToEnd({ device, dtype, care, root }: BenchContext): AsyncGenerator<BenchResult> {
  const started = performance.now();
  const painter = await load(join(root, 'packages', 'demo-model', 'model'), { device, precision: dtype });
  try {
    const first = await painter.generate(request);
    const firstMs = performance.now() - started;
    const times: number[] = [];
    let last = first;
    while (times.length < Math.min(care.rounds, 3)) {
      last = await painter.generate(request);
      times.push(last.timings.totalMs);
    }
    yield {
      suite: 'end-to-end',
      shape: `demo model, ${first.width}×${first.height} pixels, ${request.steps} steps, guided`,
      variant: first.scheduler,
      ms: Number(median(times).toPrecision(4)),
      figures: {
        firstPictureMs: Math.round(firstMs),
        stepsPerSecond: Number(last.stepsPerSecond.toPrecision(3)),
        textMs: Math.round(last.timings.textMs),
        denoiseMs: Math.round(last.timings.denoiseMs),
        decodeMs: Math.round(last.timings.decodeMs),
        peakBytes: last.memory.peakBytes,
        intermediatesBytes: last.memory.intermediatesBytes,
      },
    };
  } finally {
    painter.dispose();
  }
}
