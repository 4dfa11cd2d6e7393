import { basename, join } from 'node:path';
import { Option, type Command } from 'commander';
import { analysisPrompts, calibrationPrompts, modelUrl } from '@pleinair/demo-model';
import {
  averageBits,
  candidatesOf,
  generalCalibrationPrompts,
  generalPrompts,
  LayerWeights,
  PalettizeError,
  type Analysis,
  type Candidate,
  type InputMoments,
} from '@pleinair/palettize';
import { nodeWorkerSolver, openEvaluationLog, writeRecipeFile } from '@pleinair/palettize/node';
import { SdxlAnalysis } from '@pleinair/sdxl';
import { requestDevice, type PaletteBits } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
import { openPlace, type PartProgress } from 'pleinair';
import { leastWeights } from 'pleinair/models';
import { interruptible } from '../../interrupt.js';
import { numberFrom, wholeNumber } from '../../options.js';
import { outputPlace } from '../../output-file.js';
import { Progress } from '../../progress.js';
import { formatMs, type Terminal } from '../../terminal.js';
import { calibrated, tellEnded } from './calibrated.js';
import { analysisMethods, methodNames, type AnalysisMethod, type MethodName, type MethodOptions } from './methods.js';
import { parseTargets, parseWidths, readPrompts } from './analyze-options.js';

interface AnalyzeFlags {
  readonly out: string;
  readonly method: MethodName;
  readonly bits?: readonly PaletteBits[];
  readonly prompts?: string;
  readonly targets?: readonly number[];
  readonly minWeights?: number;
  readonly seed: number;
  readonly width?: number;
  readonly height?: number;
  readonly guidance?: number;
  readonly calibration: boolean;
  readonly calibrationPrompts?: string;
  readonly adapter: 'high-performance' | 'low-power' | 'fallback';
  readonly json?: boolean;
}

/** Prompts that are calibrated with at once: what layers are given of each is kept on the GPU. */
const calibrationTogether = 8;

/** Adds `pleinair palettize analyze`. */
export function addAnalyze(palettize: Command, terminal: Terminal): void {
  palettize
    .command('analyze')
    .description('Finds out how many bits each layer of the UNet needs, and writes recipes of several sizes.')
    .argument('<model>', 'a folder in diffusers layout, owner/name on the Hub, an HTTP base address, or demo')
    .requiredOption('--out <file>', 'the recipe file; results so far are kept beside it, in FILE.log')
    .addOption(new Option('--method <how>', 'how bits are found').choices(methodNames).default(methodNames[0]))
    .option('--bits <widths>', 'widths to choose from (default: 1,2,4,6,8; for fast 3 as well)', parseWidths)
    .option('--prompts <file>', 'prompts to measure with: a JSON list, or a line each (default: eight of our own)')
    .option('--targets <bits>', 'average bits to make recipes for, e.g. 2.8,4.5 (published: as well)', parseTargets)
    .option(
      '--min-weights <n>',
      "leave layers of no more weights alone (default: the model's own in pleinair.json, else 100000)",
      wholeNumber(0),
    )
    .option('--seed <n>', 'of the noise: prompt i begins with seed + i', wholeNumber(0), 0)
    .option('--width <pixels>', "a multiple of 8 (default: the model's own, at most 768)", wholeNumber(1))
    .option('--height <pixels>', "a multiple of 8 (default: the model's own, at most 768)", wholeNumber(1))
    .option('--guidance <scale>', "as pictures will be made with (default: the model's own)", numberFrom(0))
    .option(
      '--no-calibration',
      'fast: entries are the nearest, whatever layers multiply; apply then needs the recipe alone',
    )
    .option(
      '--calibration-prompts <file>',
      'fast: prompts to find out with what layers multiply, others than those measured (default: some of our own)',
    )
    .addOption(
      new Option('--adapter <which>', 'which GPU')
        .choices(['high-performance', 'low-power', 'fallback'])
        .default('high-performance'),
    )
    .option('--json', 'the last line of stdout is one JSON object')
    .addHelpText(
      'after',
      '\nCtrl-C ends it early; the same command goes on from there. Example:' +
        '\n  pleinair palettize analyze demo --out recipe.json',
    )
    .action((model: string, flags: AnalyzeFlags) => analyze(model, flags, terminal));
}

async function analyze(model: string, flags: AnalyzeFlags, terminal: Terminal): Promise<void> {
  const { folder, file } = await outputPlace(flags.out, 1, '.json');
  const out = file ?? join(folder, 'recipe.json');
  const downloads = new Progress(terminal);
  const source = await interruptible(terminal.err, (signal) =>
    openPlace(model === 'demo' ? modelUrl : model, { signal, onDownload: (download) => downloads.download(download) }),
  ).finally(() => downloads.stop());
  const own = await ownPrompts(source);
  const prompts = flags.prompts === undefined ? own.analysis : await readPrompts(flags.prompts);
  const { seed, width, height, guidance } = flags;
  const opened = await SdxlAnalysis.open(source, { prompts, seed, width, height, guidance });
  const minWeights = await leastWeights(flags.minWeights, source);
  const candidates = candidatesOf(opened.unet.entries.values(), { minWeights });
  if (candidates.length === 0) {
    throw new PalettizeError(
      'palettize/invalid-argument',
      `palettize analyze: expected layers of more than ${minWeights} weights, got none. Lower --min-weights.`,
    );
  }
  const method = analysisMethods[flags.method];
  const calibrating =
    method.calibrated && flags.calibration
      ? await SdxlAnalysis.open(source, {
          prompts:
            flags.calibrationPrompts === undefined ? own.calibration : await readPrompts(flags.calibrationPrompts),
          // The noise of runs that are measured begins with the seed.
          seed: seed + prompts.length,
          width,
          height,
          guidance,
          together: Math.min(calibrationTogether, opened.promptsTogether),
        })
      : undefined;
  const options = {
    modelVersion: opened.config.name ?? model,
    candidates,
    widths: flags.bits ?? method.widths,
    targets: flags.targets,
    linear8Layers: candidatesOf(opened.unet.entries.values(), { minWeights: 0 }).map(({ layer }) => layer),
  };
  method.settings(options); // refuses what it cannot do before anything is loaded
  const progress = new Progress(terminal);
  const started = performance.now();
  const analysis = await interruptible(terminal.err, (signal) =>
    measure(opened, method, { ...options, signal }, { ...flags, calibrating, out, progress, terminal }),
  ).finally(() => progress.stop());
  await writeRecipeFile(out, analysis.file);
  report(terminal, out, analysis, candidates, performance.now() - started, flags);
}

/** Where results go, what runs it, and where a person is told. */
interface Surroundings extends Pick<AnalyzeFlags, 'adapter'> {
  /** The model with the prompts to calibrate with, if it is to be. */
  readonly calibrating?: SdxlAnalysis;
  readonly out: string;
  readonly progress: Progress;
  readonly terminal: Terminal;
}

/** Opens what the analysis runs on, runs it, and keeps its results beside the recipe file as they come. */
async function measure(
  opened: SdxlAnalysis,
  method: AnalysisMethod,
  options: Omit<MethodOptions, 'engine' | 'weights'> & { readonly widths: readonly PaletteBits[] },
  { out, adapter, calibrating, progress, terminal }: Surroundings,
): Promise<Analysis> {
  const { candidates, widths, signal } = options;
  const device = await requestDevice(adapter === 'fallback' ? { fallback: true } : { powerPreference: adapter });
  const solver = nodeWorkerSolver();
  try {
    const onProgress = ({ part, phase, loaded, total }: PartProgress): void => {
      if (phase === 'weights') progress.bytes(part, loaded, total);
      else progress.steps(phase === 'kernels' ? `${part} kernels` : part.replace('_', ' '), loaded, total);
    };
    const made = await opened.settings(device, signal);
    const found =
      calibrating &&
      (await calibrated(calibrating, candidates, { out, device, signal, onProgress, progress, terminal }));
    const asked = { ...options, ...(found ? { calibration: { ...found.reference, runs: found.runs } } : {}) };
    const log = await openEvaluationLog(`${out}.log`, { ...method.settings(asked), ...made });
    terminal.err.write(`${device.profile.name}: ${candidates.length} layers, results so far in ${out}.log\n`);
    if (log.resumed > 0) progress.note(`${log.resumed} evaluations are known from ${basename(out)}.log`);
    try {
      const inputsOf = (tensor: string): InputMoments | undefined => found?.calibration.get(tensor);
      const weights = new LayerWeights(opened.unet, { widths, solver, inputsOf });
      const engine = await opened.engine(device, { weights, signal, onProgress });
      try {
        return await method.analyze({
          ...asked,
          engine,
          weights,
          log,
          onProgress: ({ done, total, secondsLeft }) =>
            progress.share('analysing', done, total, secondsLeft === undefined ? undefined : 1000 * secondsLeft),
        });
      } finally {
        engine.dispose();
      }
    } catch (error) {
      progress.stop();
      tellEnded(error, `${out}.log keeps what was measured`, terminal);
      throw error;
    } finally {
      await log.close();
    }
  } finally {
    await solver.close();
    device.destroy();
  }
}

/** Prompts to measure and to calibrate with. The demo model knows landscapes only; of any other model nothing is known. */
async function ownPrompts(
  source: ModelSource,
): Promise<{ readonly analysis: readonly string[]; readonly calibration: readonly string[] }> {
  const own = (await source.exists('pleinair.json'))
    ? ((await source.readJson('pleinair.json')) as { name?: unknown } | null)
    : null;
  return own?.name === 'pleinair-demo'
    ? { analysis: analysisPrompts, calibration: calibrationPrompts }
    : { analysis: generalPrompts, calibration: generalCalibrationPrompts };
}

function report(
  terminal: Terminal,
  out: string,
  { file, runs }: Analysis,
  candidates: readonly Candidate[],
  ms: number,
  flags: AnalyzeFlags,
): void {
  const recipes = Object.entries(file.recipes).map(([name, recipe]) => ({
    name,
    averageBits: averageBits(candidates, (layer) => recipe[layer]),
    psnr: file.baselines[name]!,
  }));
  const baselines = Object.entries(file.baselines).filter(([name]) => !(name in file.recipes));
  const lines = [
    out,
    `${candidates.length} layers, ${runs} runs, in ${formatMs(ms)}`,
    ...baselines.map(([name, psnr]) => `${name.replaceAll('_', ' ')}: ${psnr.toFixed(1)} dB`),
    ...recipes.map(({ name, averageBits: bits, psnr }) => `${name}: ${bits.toFixed(2)} bits, ${psnr.toFixed(1)} dB`),
  ];
  (flags.json ? terminal.err : terminal.out).write(`${lines.join('\n')}\n`);
  if (!flags.json) return;
  const head = { out, method: flags.method, layers: candidates.length, runs, seconds: ms / 1000 };
  terminal.out.write(`${JSON.stringify({ ...head, baselines: Object.fromEntries(baselines), recipes })}\n`);
}
