import type { Device } from '@pleinair/tensor';
import type { Peaks } from '../report/report.js';
import { copyGbPerS } from './copy-rate.js';
import { fmaLoops, fmaRate } from './fma-rate.js';

/** What the adapter reaches at best: the fastest of several multiply-add loops, and of several ways to copy. */
export async function measurePeaks(device: Device): Promise<Peaks> {
  let best = { gflops: 0, name: 'none' };
  for (const loop of fmaLoops(device.profile)) {
    const gflops = await fmaRate(device, loop);
    if (gflops > best.gflops) best = { gflops, name: loop.name };
  }
  return { fmaGflops: best.gflops, fmaLoop: best.name, copyGbPerS: await copyGbPerS(device) };
}
