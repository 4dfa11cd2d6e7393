import { inputValues, median, rounded, type BenchResult } from '@pleinair/bench';
import {
  decoderGraph,
  denoise,
  denoiserGraph,
  graphTensors,
  preparePrompt,
  prepareSchedule,
  runTiledDecoder,
  solverShape,
  STEP_SEGMENT,
  tiledDecoderGraph,
  writeConditioning,
  type DenoiserShape,
} from '@pleinair/diffusion';
import type { Tuning } from '@pleinair/kernels';
import { createNoiseSource, schedulerFromConfig, type SamplingPlan } from '@pleinair/schedulers';
import { sdxlBaseFiles, timeIds } from '@pleinair/sdxl';
import { compileProgram, type Graph, type PaletteLookup, type Program } from '@pleinair/tensor';
import { segmentWork } from '../ours/model-chains.js';
import { fillWeights } from '../sdxl-random/fill-weights.js';
import { randomSize, type RandomSize } from '../sdxl-random/sizes.js';
import type { BenchContext } from './context.js';

const guidance = 5;
const tokens = 77;

/** How weights are stored. */
type Storage = 'fp16' | '4 bits';

/** A way to run a part: what is asked of the tuner, if anything. */
type Choice = 'heuristics' | 'tuned';

/**
 * SDXL's UNet and decoder at their real sizes, weights made up from their names and never on a disk: a guided picture's
 * steps as a pipeline runs them, in half floats and in palettes of 4 bits, by heuristics and, with `--tune quick|full`, by
 * the tuner's choices. For GPUs: on a processor a step takes minutes, so other scales are small models of the same form.
 *
 * What the UNet paints is noise. What is told of it is whether all its numbers are finite.
 */
export async function* sdxlRandom(context: BenchContext): AsyncGenerator<BenchResult> {
  const size = randomSize(context.scale);
  const choices: Choice[] = context.tuner ? ['heuristics', 'tuned'] : ['heuristics'];
  const wanted = (shape: string): boolean => context.filter === undefined || shape.includes(context.filter);
  for (const storage of ['fp16', '4 bits'] as const) {
    for (const choice of choices) {
      const shape = `${size.name}, UNet, guided pair, ${storage}, ${choice}`;
      if (wanted(shape)) yield await denoiser(context, size, { shape, storage, choice });
    }
  }
  for (const form of ['whole', 'in bands'] as const) {
    const shape = `${size.name}, decoder ${form}, ${choices.at(-1)}`;
    if (wanted(shape)) yield await decoder(context, size, { shape, form, choice: choices.at(-1)! });
  }
}

async function denoiser(
  context: BenchContext,
  { unet, vae, side, steps }: RandomSize,
  { shape: name, storage, choice }: { readonly shape: string; readonly storage: Storage; readonly choice: Choice },
): Promise<BenchResult> {
  const { care } = context;
  const plan = schedulerFromConfig(sdxlBaseFiles.scheduler, { scheduler: 'euler' }).plan(steps);
  const latent = { width: side / 8, height: side / 8, channels: vae.latentChannels };
  const shape: DenoiserShape = {
    pictures: 1,
    ...latent,
    tokens,
    guided: true,
    ...solverShape(plan),
    dtype: 'f16',
  };
  const record = (palettes?: PaletteLookup): Graph => denoiserGraph(unet, { ...shape, palettes });
  const graph = storage === 'fp16' ? record() : record(fourBits(record()));
  const runs = (segment: string): number => (segment === STEP_SEGMENT ? steps : 1);
  return withProgram(context, graph, { part: 'unet', runs, choice }, async ({ program, tuning, times }) => {
    const { crossAttentionDim, textTime } = unet;
    const pooled = textTime!.inputDim - 6 * textTime!.timeEmbedDim;
    const text = (half: string) => ({
      states: inputValues(`${half} states`, [tokens, crossAttentionDim]),
      pooled: inputValues(`${half} pooled`, [pooled]),
    });
    writeConditioning(program, shape, { unconditional: text('no'), conditional: text('a') }, timeIds(side, side));
    await preparePrompt(program, undefined);
    await prepareSchedule(program, shape, plan);
    const paint = async (part: SamplingPlan): Promise<Painted> => {
      const started = performance.now();
      const noise = [createNoiseSource('torch', 1)];
      const [values] = await denoise(program, shape, { plan: part, noise, guidance, latent });
      return { ms: (performance.now() - started) / part.evaluations.length, finite: values!.every(Number.isFinite) };
    };
    // Compiled by the driver, and slices of the right size.
    await paint({ ...plan, evaluations: plan.evaluations.slice(0, 3) });
    const pictures: Painted[] = [];
    for (let i = 0; i < Math.min(care.rounds, 3); i++) pictures.push(await paint(plan));
    const ms = median(pictures.map((one) => one.ms));
    const { kernels: variant, ...work } = segmentWork(program, STEP_SEGMENT);
    return {
      suite: 'sdxl-random',
      shape: name,
      variant,
      ms: rounded(ms),
      spread: rounded((Math.max(...pictures.map((one) => one.ms)) - Math.min(...pictures.map((one) => one.ms))) / ms),
      ...work,
      gflops: rounded(work.flops / ms / 1e6),
      figures: {
        stepsPerSecond: rounded(1000 / ms),
        pictureSeconds: rounded((ms * steps) / 1000),
        finite: pictures.every((one) => one.finite) ? 1 : 0,
        ...held(context, program),
        ...times,
        ...found(tuning),
      },
    };
  });
}

/** One picture's steps. */
interface Painted {
  /** Of one step. */
  readonly ms: number;
  readonly finite: boolean;
}

async function decoder(
  context: BenchContext,
  { vae, side }: RandomSize,
  {
    shape: name,
    form,
    choice,
  }: { readonly shape: string; readonly form: 'whole' | 'in bands'; readonly choice: Choice },
): Promise<BenchResult> {
  const latent = { width: side / 8, height: side / 8 };
  const dtype = 'f16';
  const tiled = form === 'in bands' ? tiledDecoderGraph(vae, { ...latent, dtype }) : undefined;
  const graph = tiled?.graph ?? decoderGraph(vae, { batch: 1, ...latent, dtype });
  const runs = (segment: string): number => graph.timesOf(segment);
  return withProgram(context, graph, { part: 'vae_decoder', runs, choice }, async ({ program, tuning, times }) => {
    program.write('latents', inputValues('latents', [1, latent.height, latent.width, vae.latentChannels]));
    const decode = (): Promise<unknown> => (tiled ? runTiledDecoder(program, tiled) : program.run('decode'));
    await decode();
    const all: number[] = [];
    for (let i = 0; i < Math.min(context.care.rounds, 3); i++) {
      const started = performance.now();
      await decode();
      all.push(performance.now() - started);
    }
    const { segments } = program.plan;
    const dispatches = segments.reduce((sum, { name: segment, dispatches: each }) => sum + runs(segment) * each, 0);
    const flops = segments.reduce((sum, segment) => sum + runs(segment.name) * segment.flops, 0);
    const bytesMoved = segments.reduce((sum, segment) => sum + runs(segment.name) * segment.bytesMoved, 0);
    const ms = median(all);
    return {
      suite: 'sdxl-random',
      shape: name,
      variant: `${dispatches} dispatches`,
      ms: rounded(ms),
      spread: rounded((Math.max(...all) - Math.min(...all)) / ms),
      flops,
      bytesMoved,
      gflops: rounded(flops / ms / 1e6),
      figures: { ...held(context, program), ...times, ...found(tuning) },
    };
  });
}

/** A program with its weights filled, and what it took to get there. */
interface Ready {
  readonly program: Program;
  readonly tuning?: Tuning;
  readonly times: { readonly compileMs: number; readonly fillMs: number };
}

async function withProgram(
  { device, tuner }: BenchContext,
  graph: Graph,
  how: { readonly part: string; readonly runs: (segment: string) => number; readonly choice: Choice },
  body: (ready: Ready) => Promise<BenchResult>,
): Promise<BenchResult> {
  const { part, runs, choice } = how;
  const tuning = choice === 'tuned' ? await tuner?.tune([{ part, graph, runs }]) : undefined;
  device.memory.resetPeak();
  const started = performance.now();
  const program = await compileProgram(graph, device, { pick: tuning?.pick });
  try {
    const compiled = performance.now();
    await fillWeights(program);
    const times = { compileMs: Math.round(compiled - started), fillMs: Math.round(performance.now() - compiled) };
    return await body({ program, tuning, times });
  } finally {
    program.dispose();
    await device.gpu.queue.onSubmittedWorkDone();
  }
}

/** Every matrix of the UNet in palettes of 4 bits, as `--bits unet=4` has it, but for the smallest. */
function fourBits(graph: Graph): PaletteLookup {
  const leastWeights = 1024;
  const names = graphTensors(graph).filter(
    ({ shape }) => shape.length > 1 && shape.reduce((a, b) => a * b, 1) >= leastWeights,
  );
  const forms = new Map(names.map(({ name }) => [name, { bits: 4 as const, group: 0 }]));
  return (name) => forms.get(name);
}

function held({ device }: BenchContext, program: Program): Record<string, number> {
  const { weightsBytes, intermediatesBytes, persistentBytes, pipelines } = program.memory;
  return { peakBytes: device.memory.peakPlanned, weightsBytes, intermediatesBytes, persistentBytes, pipelines };
}

function found(tuning: Tuning | undefined): Record<string, number> {
  if (!tuning) return {};
  const { shapes, ms } = tuning;
  return {
    tuneMs: Math.round(ms),
    shapes: shapes.length,
    otherVariants: shapes.filter(({ winner }) => winner !== undefined).length,
  };
}
