import type { BenchResult } from '@pleinair/bench';
import { denoiserGraph, readUNetConfig } from '@pleinair/diffusion';
import { sd15Files } from '@pleinair/sd';
import { sdxlBaseFiles } from '@pleinair/sdxl';
import {
  comparePlacements,
  defaultProfile,
  planProgram,
  tensorBytes,
  type SegmentPlan,
  type Tensor,
} from '@pleinair/tensor';
import type { BenchContext } from './context.js';

/**
 * How large the UNets' intermediates come out: as they run (one arena with offsets), as a pool of whole buffers, and what
 * is alive at the peak, where to look when memory should shrink. Exact figures from the plan; `ms` is the planning.
 */
export async function* memory({ filter }: BenchContext): AsyncGenerator<BenchResult> {
  const models = [
    ['SD 1.5 512²', sd15Files.unet, 64],
    ['SDXL 1024²', sdxlBaseFiles.unet, 128],
  ] as const;
  for (const [name, json, side] of models) {
    for (const halves of ['together', 'in-turn'] as const) {
      const shape = `${name}, fp16, guidance halves ${halves}`;
      if (filter === undefined || shape.includes(filter)) yield await Promise.resolve(plan(shape, json, side, halves));
    }
  }
}

function plan(
  shape: string,
  json: Readonly<Record<string, unknown>>,
  side: number,
  halves: 'together' | 'in-turn',
): BenchResult {
  const sizes = { pictures: 1, width: side, height: side, tokens: 77, slots: 0 } as const;
  const graph = denoiserGraph(readUNetConfig(json), {
    ...sizes,
    guided: true,
    halves,
    drawsNoise: false,
    evaluations: 30,
    dtype: 'f16',
  });
  const started = performance.now();
  const planned = planProgram(graph, defaultProfile);
  const ms = Math.round(performance.now() - started);
  const step = planned.segments.find(({ name }) => name === 'step')!;
  const { arenaBytes, wholeBuffersBytes, peakLiveBytes, naiveBytes } = comparePlacements(planned).find(
    ({ segment }) => segment === 'step',
  )!;
  const { label, alive } = peakOf(step);
  console.log(`${shape}: alive at the peak, ${label}`);
  for (const tensor of alive) {
    console.log(`  ${(tensorBytes(tensor) / 1e6).toFixed(2).padStart(8)} MB  ${tensor.name} ${tensor.shape.join('×')}`);
  }
  return {
    suite: 'memory',
    shape,
    variant: `peak at ${label}`,
    ms,
    figures: { arenaBytes, peakLiveBytes, wholeBuffersBytes, naiveBytes },
  };
}

/** The node at which most bytes are alive, and what they are, the largest first. */
function peakOf(step: SegmentPlan): { readonly label: string; readonly alive: readonly Tensor[] } {
  const first = new Map<Tensor, number>();
  const last = new Map<Tensor, number>();
  step.nodes.forEach(({ node, scratch }, i) => {
    for (const tensor of [...node.inputs, ...node.outputs, ...scratch]) last.set(tensor, i);
    for (const tensor of [...node.outputs, ...scratch]) {
      if (step.offsets.has(tensor) && !first.has(tensor)) first.set(tensor, i);
    }
  });
  let peak = { label: 'nothing', alive: [] as Tensor[], bytes: -1 };
  step.nodes.forEach(({ node }, i) => {
    // Tensors at one offset share storage: an output that took over its input's counts once.
    const storages = new Map<number | undefined, Tensor>();
    for (const [tensor, from] of first) {
      if (from <= i && last.get(tensor)! >= i) storages.set(step.offsets.get(tensor), tensor);
    }
    const alive = [...storages.values()];
    const bytes = alive.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
    if (bytes > peak.bytes) peak = { label: `${node.label} (${node.op})`, alive, bytes };
  });
  return { label: peak.label, alive: peak.alive.sort((a, b) => tensorBytes(b) - tensorBytes(a)) };
}
