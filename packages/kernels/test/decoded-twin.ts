import type { Device, PaletteForm, PlanOptions, ProgramPlan } from '@pleinair/tensor';
import { GraphRun } from './graph-run.js';

/** An output of a {@link twinRun}, from palettized weights and from the same weights decoded. */
export interface TwinOutput {
  readonly palettized: Float32Array;
  readonly decoded: Float32Array;
}

/** What {@link twinRun} gives. */
export interface TwinRun {
  /** By name. */
  readonly outputs: ReadonlyMap<string, TwinOutput>;
  /** Of the run with palettized weights. */
  readonly plan: ProgramPlan;
  /** Bytes of weights that were on the GPU in that run. */
  readonly weightsBytes: number;
}

/** How to run. */
export interface TwinOptions extends PlanOptions {
  /** Storage of activations; decoded weights are stored in halves, as palettes are. */
  readonly dtype: 'f16' | 'f32';
  /** How weights called `….weight` are palettized. */
  readonly form: PaletteForm;
}

/**
 * Runs a graph twice, with palettized weights and with the values that those stand for: the two may differ by rounding
 * only, whatever path the weights take.
 *
 * @param record - Records the graph, outputs included; called for each run.
 */
export async function twinRun(
  device: Device,
  { dtype, form, ...options }: TwinOptions,
  record: (t: GraphRun) => void,
): Promise<TwinRun> {
  const packed = new GraphRun(dtype, 'f16', (name) => (name.endsWith('.weight') ? form : undefined));
  record(packed);
  const palettized = await runAll(packed, device, options);
  const plain = new GraphRun(dtype, 'f16').adopt(packed);
  record(plain);
  const decoded = await runAll(plain, device, options);
  const outputs = [...palettized.outputs].map(
    ([name, values]) => [name, { palettized: values, decoded: decoded.outputs.get(name)! }] as const,
  );
  return { ...palettized, outputs: new Map(outputs) };
}

async function runAll(
  run: GraphRun,
  device: Device,
  options: PlanOptions,
): Promise<Omit<TwinRun, 'outputs'> & { readonly outputs: ReadonlyMap<string, Float32Array> }> {
  const { program, read } = await run.run(device, options);
  try {
    const outputs = new Map<string, Float32Array>();
    for (const [name, tensor] of run.graph.names) {
      const isInput = !run.graph.segments.some(({ nodes }) => nodes.some((node) => node.outputs.includes(tensor)));
      if (!isInput) outputs.set(name, await read(name));
    }
    return { outputs, plan: program.plan, weightsBytes: program.memory.weightsBytes };
  } finally {
    program.dispose();
  }
}
