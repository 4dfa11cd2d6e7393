import { createNoiseSource, type SamplingPlan } from '@pleinair/schedulers';
import {
  compileProgram,
  ShapeError,
  tensorBytes,
  WeightStore,
  type Device,
  type Graph,
  type LayerInput,
  type Program,
  type Tensor,
} from '@pleinair/tensor';
import { loadWeights, type Component } from '@pleinair/weights';
import { writeConditioning } from '../denoise/conditioning.js';
import { denoise, preparePrompt, prepareSchedule } from '../denoise/denoise-loop.js';
import { STEP_SEGMENT } from '../denoise/denoiser-graph.js';
import type { ProbeOptions, ProbePrompt, ProbeRun } from './denoiser-probe.js';
import { layerRows, type LayerRows } from './layer-rows.js';

/** One denoising of one or several prompts side by side. */
export interface InputRun {
  readonly prompts: readonly ProbePrompt[];
  readonly schedule: SamplingPlan;
}

/** How far the runs of a set of layers are. */
export interface InputPoint {
  /** The run under way, or their number where all are done. */
  readonly run: number;
  /** Evaluations of it that are done. */
  readonly evaluations: number;
  /** The solver's planes after these; absent before the first. */
  readonly planes?: Float32Array<ArrayBuffer>;
}

/** Layers whose inputs are kept at once. */
export interface LayerSet {
  readonly tensors: readonly string[];
  /** Which of the sets. */
  readonly index: number;
  /** How many there are. */
  readonly sets: number;
}

/** What {@link readLayerInputs} is to look at, and how. */
export interface LayerInputOptions extends ProbeOptions {
  /** Records the denoiser anew, with visible inputs. */
  readonly record: () => Graph;
  /** The UNet's checkpoint. */
  readonly component: Component;
  /** Weights in the checkpoint whose layers' inputs are wanted. */
  readonly tensors: readonly string[];
  /** Its `pictures` are how many prompts go through the network at once, its solver's numbers those of all schedules. */
  readonly run: Omit<ProbeRun, 'schedule'>;
  readonly runs: readonly InputRun[];
  /** Bytes of inputs that are kept on the GPU at once, or those of one layer where they are more. @defaultValue 1 GB */
  readonly keptBytes?: number;
  /**
   * Takes the rows of a layer: after each evaluation, or once a run where what is before the loop makes them. Read them
   * before it returns.
   *
   * @param when - Which of the runs, and how often the layer's rows are taken in it.
   */
  take: (tensor: string, rows: LayerRows, when: { readonly run: number; readonly times: number }) => void;
  /** Asked before the runs of a set begin: where they were left, if they were; what was taken until then is not taken again. */
  readonly resume?: (set: LayerSet) => Promise<InputPoint | undefined>;
  /** After each evaluation, when all of it is taken; a promise it gives is awaited before the next one begins. */
  readonly onEvaluation?: (at: InputPoint, set: LayerSet) => unknown;
  /** Layers done so far. */
  readonly onLayers?: (done: number, total: number) => void;
}

const defaultKeptBytes = 1e9;

/** A layer, and where what it multiplies is made. */
interface SeenLayer {
  readonly tensor: string;
  readonly segment: string;
  readonly input: LayerInput;
}

/**
 * Denoises and hands on what layers of the UNet are given: of few layers at a time, all runs for each few, so that memory
 * does not depend on how many are wanted. The weights are loaded once. Ended early, it can go on after the last evaluation.
 *
 * @throws ShapeError `graph/unknown-name` for a weight that no layer is known to multiply; what compiling, loading, running
 * and `take` throw. Everything on the GPU is freed either way.
 */
export async function readLayerInputs(device: Device, options: LayerInputOptions): Promise<void> {
  const { record, tensors, resume, onLayers, keptBytes = defaultKeptBytes } = options;
  const store = new WeightStore(device);
  try {
    let done = 0;
    const batches = inBatches(seenLayers(record(), tensors), keptBytes);
    for (const [index, some] of batches.entries()) {
      const set: LayerSet = { tensors: some, index, sets: batches.length };
      const from = (await resume?.(set)) ?? { run: 0, evaluations: 0 };
      if (from.run < options.runs.length) await readSome(device, store, set, from, options);
      done += some.length;
      onLayers?.(done, tensors.length);
    }
  } finally {
    store.dispose();
  }
}

/** Runs everything from a point on with the inputs of some layers kept. */
async function readSome(
  device: Device,
  store: WeightStore,
  set: LayerSet,
  from: InputPoint,
  { record, component, run, runs, take, onEvaluation, ...options }: LayerInputOptions,
): Promise<void> {
  const { signal, onCompiled, onLoaded } = options;
  const graph = record();
  const layers = seenLayers(graph, set.tensors);
  const kept = new Set(layers.flatMap(({ input }) => input.tensors));
  [...kept].forEach((tensor, i) => graph.output(`layer_input.${i}`, tensor));
  const program = await compileProgram(graph, device, {
    ...options.plan,
    weights: store,
    signal,
    onProgress: onCompiled,
  });
  try {
    const missing = program.weights.filter((weight) => !store.isFilled(weight));
    await loadWeights(missing, component, {
      upload: (weight, piece) => program.uploadWeight(weight, [piece]),
      signal,
      onProgress: ({ loadedBytes, totalBytes }) => onLoaded?.(loadedBytes, totalBytes),
    });
    await store.flush();
    const inLoop = layers.filter(({ segment }) => segment === STEP_SEGMENT);
    const before = layers.filter(({ segment }) => segment !== STEP_SEGMENT);
    for (const [at, { prompts, schedule }] of runs.entries()) {
      if (at < from.run) continue;
      const { shape, guidance, timeIds, latent } = run;
      const texts = prompts.map((prompt) => prompt.texts);
      writeConditioning(program, shape, texts, timeIds);
      await preparePrompt(program, signal);
      await prepareSchedule(program, { ...shape, ...shape.solver }, schedule, signal);
      const see = (which: readonly SeenLayer[], times: number): Promise<void> =>
        takeAll(program, which, (tensor, rows) => take(tensor, rows, { run: at, times }));
      const resume =
        at === from.run && from.planes ? { planes: from.planes, evaluations: from.evaluations } : undefined;
      if (!resume) await see(before, 1);
      const noise = prompts.map(({ seed }) => createNoiseSource('torch', seed));
      const onStep = async (evaluations: number): Promise<void> => {
        await see(inLoop, schedule.evaluations.length);
        if (!onEvaluation) return;
        const over = evaluations === schedule.evaluations.length;
        const planes = over ? undefined : ((await program.read('planes')) as Float32Array<ArrayBuffer>);
        await onEvaluation(planes ? { run: at, evaluations, planes } : { run: at + 1, evaluations: 0 }, set);
      };
      await denoise(program, shape, { plan: schedule, noise, resume, guidance, latent, signal, onStep });
    }
  } finally {
    program.dispose();
  }
}

/** Reads each tensor once, and hands on the rows of the layers that multiply it. */
async function takeAll(
  program: Program,
  layers: readonly SeenLayer[],
  take: (tensor: string, rows: LayerRows) => void,
): Promise<void> {
  const shared = new Map<string, SeenLayer[]>();
  for (const layer of layers) {
    const key = layer.input.tensors.map(({ id }) => id).join();
    shared.set(key, [...(shared.get(key) ?? []), layer]);
  }
  for (const sharing of shared.values()) {
    const values: Float32Array[] = [];
    for (const tensor of sharing[0]!.input.tensors) values.push((await program.read(tensor)) as Float32Array);
    for (const { tensor, input } of sharing) take(tensor, layerRows(input, values));
  }
}

/** Finds the layers of weights in a graph. */
function seenLayers(graph: Graph, tensors: readonly string[]): SeenLayer[] {
  const wanted = new Set(tensors);
  const seen = new Map<string, SeenLayer>();
  for (const { name, nodes } of graph.segments) {
    for (const input of nodes.flatMap(({ layerInputs = [] }) => layerInputs)) {
      const tensor = input.weight.source.name;
      if (wanted.has(tensor)) seen.set(tensor, { tensor, segment: name, input });
    }
  }
  const unknown = tensors.find((tensor) => !seen.has(tensor));
  if (unknown === undefined) return [...seen.values()];
  throw new ShapeError(
    'graph/unknown-name',
    `${unknown}: expected a weight of the UNet whose layer's input lies in a tensor, got none of these ${seen.size}. ` +
      'Record the graph with visible inputs, and check the name.',
  );
}

/** Layers in the graph's order, as many together as keep no more bytes than there may be, or one. */
function inBatches(layers: readonly SeenLayer[], keptBytes: number): string[][] {
  const batches: string[][] = [];
  let kept = new Set<Tensor>();
  let bytes = Infinity;
  for (const { tensor, input } of layers) {
    const more = input.tensors.filter((one) => !kept.has(one)).reduce((sum, one) => sum + tensorBytes(one), 0);
    if (bytes + more > keptBytes) {
      batches.push([]);
      kept = new Set();
      bytes = 0;
    }
    bytes += input.tensors.filter((one) => !kept.has(one)).reduce((sum, one) => sum + tensorBytes(one), 0);
    for (const one of input.tensors) kept.add(one);
    batches.at(-1)!.push(tensor);
  }
  return batches;
}
