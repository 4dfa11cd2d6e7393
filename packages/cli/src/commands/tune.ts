import { PeakMeter } from '@pleinair/bench';
import { Option, type Command } from 'commander';
import {
  chooseMemory,
  memoryModes,
  memoryPolicy,
  solverShape,
  type MemoryMode,
  type PipelineShape,
} from '@pleinair/diffusion';
import { schedulerFromConfig } from '@pleinair/schedulers';
import { isPleinairError, requestDevice, type Device, type PleinairError } from '@pleinair/tensor';
import { defaultTuningStore, Tuner, type TuneOptions, type Tuning, type TuningWork } from 'pleinair';
import { interruptible } from '../interrupt.js';
import { wholeNumber } from '../options.js';
import { openPlannedModel, presets, type PlannedModel } from '../planned-model.js';
import { Progress } from '../progress.js';
import { formatMs, type Terminal } from '../terminal.js';
import { tuneReport, tuneTable } from '../tune-report.js';

interface TuneFlags {
  readonly width?: number;
  readonly height?: number;
  readonly guidanceHalves: 'together' | 'in-turn';
  readonly memory: MemoryMode | 'auto';
  readonly precision: 'f16' | 'f32';
  readonly adapter: 'high-performance' | 'low-power' | 'fallback';
  readonly again?: boolean;
  readonly clear?: boolean;
  readonly json?: boolean;
}

/** Adds `pleinair tune`. */
export function addTune(program: Command, terminal: Terminal): void {
  program
    .command('tune')
    .description('Finds the fastest kernels for this adapter by timing them all, and remembers them for later runs.')
    .argument(
      '[model]',
      `a folder in diffusers layout, a .safetensors checkpoint, or a preset: ${presets.join(', ')}; no weights are read`,
      'demo',
    )
    .option('--width <pixels>', "picture width (default: the model's own)", wholeNumber(1))
    .option('--height <pixels>', "picture height (default: the model's own)", wholeNumber(1))
    .addOption(
      new Option('--guidance-halves <how>', 'as the runs to tune for')
        .choices(['together', 'in-turn'])
        .default('together'),
    )
    .addOption(
      new Option(
        '--memory <mode>',
        'of the runs to tune for: resident weights may be laid out larger, which is faster; auto: as generate, by what the adapter allows',
      )
        .choices([...memoryModes, 'auto'])
        .default('auto'),
    )
    .addOption(
      new Option('--precision <dtype>', 'storage of weights and activations').choices(['f16', 'f32']).default('f16'),
    )
    .addOption(
      new Option('--adapter <which>', 'which GPU')
        .choices(['high-performance', 'low-power', 'fallback'])
        .default('high-performance'),
    )
    .option('--again', 'time again what is known already')
    .option('--clear', 'forget everything that tuning has found, for all adapters, and do nothing else')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nCtrl-C ends it early; what was timed until then is kept.')
    .action((model: string, flags: TuneFlags) => (flags.clear ? clear(flags, terminal) : tune(model, flags, terminal)));
}

async function clear(flags: TuneFlags, terminal: Terminal): Promise<void> {
  const store = await defaultTuningStore();
  const cleared = await store.clear();
  terminal.out.write(
    flags.json
      ? `${JSON.stringify({ cleared, place: store.place })}\n`
      : `${cleared} results forgotten in ${store.place}\n`,
  );
}

async function tune(model: string, flags: TuneFlags, terminal: Terminal): Promise<void> {
  const planned = await openPlannedModel('tune', model);
  const asked = shapeOf(planned, flags);
  const progress = new Progress(terminal);
  await interruptible(terminal.err, async (signal) => {
    const device = await requestDevice(
      flags.adapter === 'fallback' ? { fallback: true } : { powerPreference: flags.adapter },
    );
    try {
      const store = await defaultTuningStore();
      const tuner = new Tuner(device, { mode: 'full', store });
      const peak = await fmaPeak(device);
      const began = Date.now();
      const { memory, shape } = runOn(device, planned, asked, flags.memory);
      const works = planned.works(shape);
      const { transformedWeights } = memoryPolicy(memory);
      const plan = { transformedWeights };
      const { tuning, cancelled } = await untilCancelled(tuner, works, {
        again: flags.again,
        plan,
        signal,
        onProgress: ({ part, done, total, leftMs }) => progress.share(part.replaceAll('_', ' '), done, total, leftMs),
      });
      progress.stop();
      for (const note of tuning.notes) progress.note(note);
      const report = tuneReport(tuning, peak);
      const { width, height, precision } = shape;
      if (flags.json) {
        const head = { model, width, height, precision, memory, adapter: device.profile.name, place: store.place };
        terminal.out.write(`${JSON.stringify({ ...head, complete: !cancelled, ...report })}\n`);
      } else {
        const what = `${model}, ${width}×${height}, ${precision}, memory ${memory}, ${device.profile.name}`;
        const closing = closingLine(tuning, { began, place: store.place, early: cancelled !== undefined });
        terminal.out.write(`${what}\n\n${tuneTable(report)}\n${closing}\n`);
      }
      if (cancelled) throw cancelled;
    } finally {
      progress.stop();
      device.destroy();
    }
  });
}

/** The memory mode that a run takes on a device, and its shape: decoded whole or in bands. */
function runOn(
  { profile }: Device,
  planned: PlannedModel,
  asked: PipelineShape,
  wanted: MemoryMode | 'auto',
): { readonly memory: MemoryMode; readonly shape: PipelineShape } {
  const shapeIn = (mode: MemoryMode): PipelineShape => ({ ...asked, vae: planned.vae(asked, mode, profile) });
  const memory =
    wanted === 'auto' ? chooseMemory(profile, (mode) => planned.plan(shapeIn(mode), profile).peakBytes[mode]) : wanted;
  return { memory, shape: shapeIn(memory) };
}

/** A tuning; one that was cancelled tells what was found until then, and by which error it ended. */
async function untilCancelled(
  tuner: Tuner,
  works: readonly TuningWork[],
  options: TuneOptions,
): Promise<{ readonly tuning: Tuning; readonly cancelled?: PleinairError }> {
  const started = performance.now();
  try {
    return { tuning: await tuner.tune(works, options) };
  } catch (error) {
    if (!isPleinairError(error) || error.code !== 'cancelled') throw error;
    const tuning = await tuner.tune(works, { plan: options.plan, mode: 'known' });
    return { tuning: { ...tuning, ms: performance.now() - started }, cancelled: error };
  }
}

function closingLine(
  { shapes, ms }: Tuning,
  { began, place, early }: { readonly began: number; readonly place: string; readonly early: boolean },
): string {
  const fresh = shapes.filter(({ record }) => record && record.at >= began).length;
  const rest = early ? 'ended early, the same command goes on from here' : 'the rest was known';
  return `${fresh} of ${shapes.length} shapes timed in ${formatMs(ms)}; ${rest}. Kept in ${place}`;
}

function shapeOf({ defaults, scheduler }: PlannedModel, flags: TuneFlags): PipelineShape {
  return {
    width: flags.width ?? defaults.width,
    height: flags.height ?? defaults.height,
    pictures: 1,
    guided: defaults.guidance > 1,
    halves: flags.guidanceHalves,
    chunks: 1,
    precision: flags.precision,
    solver: solverShape(schedulerFromConfig(scheduler).plan(defaults.steps)),
  };
}

/** GFLOP/s of the adapter's best loop of multiply-adds in f32. */
async function fmaPeak(device: Device): Promise<number> {
  const meter = await PeakMeter.open(device);
  try {
    await meter.round();
    return meter.peaks.fma.best;
  } finally {
    meter.dispose();
  }
}
