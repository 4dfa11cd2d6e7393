import type { Chain, Chains } from '@pleinair/bench';
import type { TuningWork } from '@pleinair/kernels';
import { compileProgram, type Graph, type Program } from '@pleinair/tensor';
import { loadWeights, openComponent } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import type { BenchContext } from '../suites/context.js';

/**
 * A part of a checkpoint, its variants chosen by the context's tuner, compiled and loaded.
 *
 * @param runs - How often each segment runs for a picture, which is what tuning weighs shapes by.
 */
export async function loadPart(
  { device, tuner }: Pick<BenchContext, 'device' | 'tuner'>,
  graph: Graph,
  { model, folder, runs }: { readonly model: string; readonly folder: string; readonly runs: TuningWork['runs'] },
): Promise<Program> {
  const tuning = await tuner?.tune([{ part: folder, graph, runs }]);
  const program = await compileProgram(graph, device, { pick: tuning?.pick });
  const component = await openComponent(folderSource(model), folder);
  // Graphs of the decoder leave the encoder's tensors out, which is no mistake.
  await loadWeights(program.weights, component, { upload: (weight, piece) => program.uploadWeight(weight, [piece]) });
  await program.store.flush();
  return program;
}

/** Runs of something whole, one after another: for models whose inputs and outputs are a few kilobytes. */
export function repeated(name: string, run: () => Promise<unknown>): Chains {
  return {
    name,
    build: (length): Promise<Chain> =>
      Promise.resolve({
        length,
        run: async () => {
          for (let i = 0; i < length; i++) await run();
        },
        dispose: () => Promise.resolve(),
      }),
  };
}

/** What a segment does, and the kernels that do it, the heaviest first. */
export function segmentWork(
  program: Program,
  name: string,
): { readonly flops: number; readonly bytesMoved: number; readonly kernels: string } {
  const segment = program.plan.segments.find((one) => one.name === name)!;
  const weight = new Map<string, number>();
  for (const { dispatches } of segment.nodes) {
    for (const { kernel, flops } of dispatches) weight.set(kernel.name, (weight.get(kernel.name) ?? 0) + flops);
  }
  const heaviest = [...weight].sort(([, a], [, b]) => b - a).slice(0, 3);
  return {
    flops: segment.flops,
    bytesMoved: segment.bytesMoved,
    kernels: `${segment.dispatches} dispatches: ${heaviest.map(([kernel]) => kernel).join(', ')}, …`,
  };
}
