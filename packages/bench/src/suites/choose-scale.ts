import type { Device } from '@pleinair/tensor';
import { OursChains } from '../ours/op-chains.js';
import type { Peaks } from '../report/report.js';
import { namedShapes } from '../shapes/named-shapes.js';
import { opCase, scaleFor, type Patience, type ScaleName } from '../shapes/scale.js';
import { tryOut, type OutputChains, type Peer } from './context.js';

/** A scale, and why it was chosen. */
export interface ChosenScale {
  readonly name: ScaleName;
  readonly reason: string;
}

/** Divides the probe's sides, so that the slowest engines need seconds. */
const probeDivisor = 8;

/**
 * Chooses the size of the shapes by what the slowest engine does in a second: a 3×3 convolution of 320 channels over 16²
 * pixels, the best of two runs.
 */
export async function chooseScale(
  device: Device,
  options: {
    readonly peaks: Peaks;
    readonly dtype: 'f32' | 'f16';
    readonly patience: Patience;
    readonly peer?: Peer;
    readonly signal?: AbortSignal;
  },
): Promise<ChosenScale> {
  const { peaks, dtype, patience, peer, signal } = options;
  const named = namedShapes.find(
    ({ spec }) => spec.op === 'convolution' && spec.side === 128 && spec.channels === 320,
  )!;
  const probe = opCase(named, probeDivisor);
  const ours = new OursChains(device, probe, { dtype, signal });
  const { flops } = ours.work();
  const engines: OutputChains[] = [ours, ...(peer ? [peer.forms(probe, dtype)[0]!.chains] : [])];
  let slowest = { name: 'none', gflops: Infinity };
  for (const engine of engines) {
    const gflops = (2 * flops) / ((await tryOut(engine, 2)).bestMs * 1e6);
    if (gflops < slowest.gflops) slowest = { name: engine.name, gflops };
  }
  const name = scaleFor({ fmaGflops: peaks.fma.best, slowestGflops: slowest.gflops }, patience);
  const reason =
    `${slowest.name} reaches ${slowest.gflops.toPrecision(2)} GFLOP/s in a small convolution, ` +
    `the adapter ${peaks.fma.best.toPrecision(2)} at best; all suites are to end within ${patience}`;
  return { name, reason };
}
