import { Option, type Command } from 'commander';
import { planSd, readSdConfig, sd15Files, type SdPlan } from '@pleinair/sd';
import {
  planSdxl,
  readSdxlFiles,
  readSdxlConfig,
  sdxlBaseFiles,
  solverShape,
  type PipelineShape,
  type SdxlFiles,
  type SdxlPlan,
} from '@pleinair/sdxl';
import { schedulerFromConfig, type SchedulerConfig } from '@pleinair/schedulers';
import { defaultProfile, isPleinairError, PleinairError, requestDevice, type DeviceProfile } from '@pleinair/tensor';
import { modelUrl } from '@pleinair/demo-model';
import { openPlace } from 'pleinair';
import { wholeNumber } from '../options.js';
import { formatBytes, type Terminal } from '../terminal.js';

interface PlanFlags {
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly batch: number;
  readonly guidanceHalves: 'together' | 'in-turn';
  readonly memory?: 'low' | 'resident';
  readonly precision: 'f16' | 'f32';
  readonly chunks: number;
  readonly adapter?: 'high-performance' | 'low-power' | 'fallback';
  readonly json?: boolean;
}

const presets = ['demo', 'sdxl-base', 'sd15'] as const;

/** A model as far as planning it goes. */
interface PlannedModel {
  readonly defaults: { readonly width: number; readonly height: number; readonly steps: number };
  readonly scheduler: SchedulerConfig;
  plan(shape: PipelineShape, profile: DeviceProfile): ModelPlan;
}

type ModelPlan = SdxlPlan | SdPlan;

/** Adds `pleinair plan`. */
export function addPlan(program: Command, terminal: Terminal): void {
  program
    .command('plan')
    .description('What a model needs, part by part, without a GPU and without its weights.')
    .argument('<model>', `a folder in diffusers layout, or a preset: ${presets.join(', ')}`)
    .option('--width <pixels>', "picture width (default: the model's own)", wholeNumber(1))
    .option('--height <pixels>', "picture height (default: the model's own)", wholeNumber(1))
    .option('--steps <n>', "denoising steps (default: the model's own)", wholeNumber(1))
    .option('--batch <n>', "the UNet's batch; 2 is one picture under guidance, 1 one without", wholeNumber(1), 2)
    .addOption(
      new Option('--guidance-halves <how>', 'both halves of a guided pair in one run, or in turn in half the memory')
        .choices(['together', 'in-turn'])
        .default('together'),
    )
    .addOption(new Option('--memory <mode>', 'show the peak of this mode only').choices(['low', 'resident']))
    .addOption(
      new Option('--precision <dtype>', 'storage of weights and activations').choices(['f16', 'f32']).default('f16'),
    )
    .option('--chunks <n>', 'prompt chunks of 77 tokens', wholeNumber(1), 1)
    .addOption(
      new Option('--adapter <which>', 'plan for the adapter of this machine instead of the default profile').choices([
        'high-performance',
        'low-power',
        'fallback',
      ]),
    )
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nMB is 10⁶ bytes. FLOPs count a multiply-add as 2. The default profile is fp16 with no tuner results.',
    )
    .action(async (model: string, flags: PlanFlags) => {
      const planned = await openModel(model);
      const profile = await profileFor(flags);
      const plan = planned.plan(shapeOf(planned, flags), profile);
      if (flags.json) {
        terminal.out.write(`${JSON.stringify(toJson(model, plan, flags))}\n`);
      } else {
        terminal.out.write(toTable(model, plan, flags));
      }
    });
}

async function openModel(model: string): Promise<PlannedModel> {
  if (model === 'sd15') {
    const config = readSdConfig(sd15Files);
    return { ...config, plan: (shape, profile) => planSd(config, shape, profile) };
  }
  const files = model === 'sdxl-base' ? sdxlBaseFiles : await sdxlFiles(model);
  const config = readSdxlConfig(files);
  return { ...config, plan: (shape, profile) => planSdxl(config, shape, profile) };
}

async function sdxlFiles(model: string): Promise<SdxlFiles> {
  try {
    return await readSdxlFiles(await openPlace(model === 'demo' ? modelUrl : model));
  } catch (error) {
    // A bare word that is no folder was meant as a preset.
    if (!isPleinairError(error) || error.code !== 'weights/missing-file' || !/^[\w.-]+$/.test(model)) throw error;
    throw new PleinairError(
      'usage/model',
      `plan: expected a folder with a model_index.json, or one of ${presets.join(', ')}, got "${model}". Check the name.`,
      { cause: error },
    );
  }
}

async function profileFor(flags: PlanFlags): Promise<DeviceProfile> {
  if (!flags.adapter) return defaultProfile;
  const device = await requestDevice(
    flags.adapter === 'fallback' ? { fallback: true } : { powerPreference: flags.adapter },
  );
  device.destroy();
  return device.profile;
}

function shapeOf(model: PlannedModel, flags: PlanFlags): PipelineShape {
  const guided = flags.batch > 1;
  if (guided && flags.batch % 2 !== 0) {
    throw new PleinairError(
      'usage/batch',
      `plan: expected --batch 1, or an even number (two for each picture under guidance), got ${flags.batch}.`,
    );
  }
  const { defaults, scheduler } = model;
  return {
    width: flags.width ?? defaults.width,
    height: flags.height ?? defaults.height,
    pictures: guided ? flags.batch / 2 : 1,
    guided,
    halves: flags.guidanceHalves,
    chunks: flags.chunks,
    precision: flags.precision,
    solver: solverShape(schedulerFromConfig(scheduler).plan(flags.steps ?? defaults.steps)),
  };
}

function toJson(model: string, plan: ModelPlan, flags: PlanFlags): object {
  const { width, height, halves, precision } = plan.shape;
  return {
    model,
    width,
    height,
    batch: flags.batch,
    guidanceHalves: halves,
    precision,
    profile: plan.profile,
    components: plan.components,
    peakBytes: plan.peakBytes,
  };
}

function toTable(model: string, plan: ModelPlan, flags: PlanFlags): string {
  const { width, height, halves, precision } = plan.shape;
  const heads = [
    'part',
    'weights',
    'in the loop',
    'intermediates',
    'persistent',
    'naive',
    'GFLOP',
    'dispatches',
    'pipelines',
  ];
  const rows = Object.entries(plan.components).map(([name, c]) => [
    name,
    formatBytes(c.weightsBytes),
    formatBytes(c.loopWeightsBytes),
    formatBytes(c.intermediatesBytes),
    formatBytes(c.persistentBytes),
    formatBytes(c.naiveBytes),
    (c.executedFlops / 1e9).toPrecision(3),
    String(c.dispatches),
    String(c.pipelines),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  const modes = (['low', 'resident'] as const).filter((mode) => !flags.memory || flags.memory === mode);
  return [
    `${model}, ${width}×${height}, UNet batch ${flags.batch} (halves ${halves}), ${precision}, ${plan.profile}`,
    '',
    line(heads),
    ...rows.map(line),
    '',
    ...modes.map((mode) => `peak, memory ${mode}: ${formatBytes(plan.peakBytes[mode])}`),
    '',
  ].join('\n');
}
