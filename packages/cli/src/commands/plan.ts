import { Option, type Command } from 'commander';
import { chooseMemory, memoryModes, solverShape, type MemoryMode, type PipelineShape } from '@pleinair/diffusion';
import { schedulerFromConfig } from '@pleinair/schedulers';
import { defaultProfile, PleinairError, requestDevice, type DeviceProfile, type PlanOptions } from '@pleinair/tensor';
import { defaultTuningStore, Tuner, type ModelPlan } from 'pleinair';
import { addCheckpointOptions, type CheckpointFlags } from '../checkpoint-options.js';
import { wholeNumber } from '../options.js';
import { addPaletteOptions, type PaletteFlags } from '../palette-options.js';
import { openPlannedModel, presets, type PlannedModel } from '../planned-model.js';
import { formatBytes, type Terminal } from '../terminal.js';

interface PlanFlags extends PaletteFlags, CheckpointFlags {
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly batch: number;
  readonly guidanceHalves: 'together' | 'in-turn';
  readonly memory?: MemoryMode | 'auto';
  readonly precision: 'f16' | 'f32';
  readonly chunks: number;
  readonly vae: 'auto' | 'exact' | 'tiled';
  readonly adapter?: 'high-performance' | 'low-power' | 'fallback';
  readonly tune: 'off' | 'known';
  readonly json?: boolean;
}

/** Adds `pleinair plan`. */
export function addPlan(program: Command, terminal: Terminal): void {
  const command = program
    .command('plan')
    .description('What a model needs, part by part, without a GPU and without its weights.')
    .argument('<model>', `a folder in diffusers layout, a .safetensors checkpoint, or a preset: ${presets.join(', ')}`)
    .option('--width <pixels>', "picture width (default: the model's own)", wholeNumber(1))
    .option('--height <pixels>', "picture height (default: the model's own)", wholeNumber(1))
    .option('--steps <n>', "denoising steps (default: the model's own)", wholeNumber(1))
    .option('--batch <n>', "the UNet's batch; 2 is one picture under guidance, 1 one without", wholeNumber(1), 2)
    .addOption(
      new Option('--guidance-halves <how>', 'both halves of a guided pair in one run, or in turn in half the memory')
        .choices(['together', 'in-turn'])
        .default('together'),
    )
    .addOption(
      new Option(
        '--memory <mode>',
        'show the peak of this mode only; auto: of the one a run would take on the adapter (default: all)',
      ).choices([...memoryModes, 'auto']),
    )
    .addOption(
      new Option('--precision <dtype>', 'storage of weights and activations').choices(['f16', 'f32']).default('f16'),
    )
    .addOption(
      new Option('--vae <how>', 'decode pictures whole, or in bands in bounded memory')
        .choices(['auto', 'exact', 'tiled'])
        .default('auto'),
    )
    .option('--chunks <n>', 'prompt chunks of 77 tokens', wholeNumber(1), 1)
    .addOption(
      new Option('--adapter <which>', 'plan for the adapter of this machine instead of the default profile').choices([
        'high-performance',
        'low-power',
        'fallback',
      ]),
    )
    .addOption(
      new Option(
        '--tune <how>',
        'with --adapter: known, as a run (of memory mode low, unless --memory says resident) goes by what tuning found; off: heuristics',
      )
        .choices(['off', 'known'])
        .default('known'),
    )
    .option('--json', 'one JSON object');
  addPaletteOptions(addCheckpointOptions(command))
    .addHelpText(
      'after',
      '\nMB is 10⁶ bytes. FLOPs count a multiply-add as 2. The default profile is an adapter with shader-f16 and no tuner results.' +
        '\nA palettized folder is planned as it is; bits are averages, palettes included. Examples:' +
        '\n  pleinair plan sdxl-base --bits 4' +
        '\n  pleinair plan sdxl-base --recipe recipe.json#recipe_4.50_bit_mixedpalette --bits text_encoder=6,text_encoder_2=6',
    )
    .action(async (model: string, flags: PlanFlags) => {
      const planned = await openPlannedModel('plan', model, flags, flags);
      const shape = shapeOf(planned, flags);
      const { profile, options } = await adapterFor(planned, shape, flags);
      const planAs = (memory: MemoryMode): ModelPlan => {
        const vae = flags.vae === 'auto' ? planned.vae(shape, memory, profile) : flags.vae;
        return planned.plan({ ...shape, vae }, profile, options);
      };
      const memory =
        flags.memory === 'auto' ? chooseMemory(profile, (mode) => planAs(mode).peakBytes[mode]) : flags.memory;
      const plan = planAs(memory ?? 'low');
      if (flags.json) {
        terminal.out.write(`${JSON.stringify(toJson(model, planned, plan, flags, memory))}\n`);
      } else {
        terminal.out.write(toTable(model, planned, plan, flags, memory));
      }
    });
}

/** The adapter to plan for, and what tuning has found for it. */
async function adapterFor(
  model: PlannedModel,
  shape: PipelineShape,
  flags: PlanFlags,
): Promise<{ profile: DeviceProfile; options?: PlanOptions }> {
  if (!flags.adapter) return { profile: defaultProfile };
  const device = await requestDevice(
    flags.adapter === 'fallback' ? { fallback: true } : { powerPreference: flags.adapter },
  );
  try {
    const { profile } = device;
    if (flags.tune === 'off') return { profile };
    const tuner = new Tuner(device, { mode: 'known', store: await defaultTuningStore() });
    // What was found differs by mode, as only resident weights may be laid out larger than they are.
    const plan = { transformedWeights: flags.memory === 'resident' };
    const { pick } = await tuner.tune(model.works(shape), { plan });
    return { profile, options: { pick } };
  } finally {
    device.destroy();
  }
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

function toJson(
  model: string,
  { averageBits }: PlannedModel,
  plan: ModelPlan,
  flags: PlanFlags,
  memory: MemoryMode | undefined,
): object {
  const { width, height, halves, precision } = plan.shape;
  return {
    model,
    width,
    height,
    batch: flags.batch,
    guidanceHalves: halves,
    precision,
    vae: plan.shape.vae,
    profile: plan.profile,
    components: Object.fromEntries(
      Object.entries(plan.components).map(([name, part]) => {
        const bits = averageBits[name];
        return [name, bits === undefined ? part : { ...part, averageBits: bits }];
      }),
    ),
    ...(memory && { memory }),
    peakBytes: plan.peakBytes,
  };
}

function toTable(
  model: string,
  { averageBits }: PlannedModel,
  plan: ModelPlan,
  flags: PlanFlags,
  memory: MemoryMode | undefined,
): string {
  const { width, height, halves, precision } = plan.shape;
  const heads = [
    'part',
    'bits',
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
    averageBits[name]?.toFixed(2) ?? '–',
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
  const palettized = Object.keys(averageBits).length > 0;
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .filter((_, i) => palettized || heads[i] !== 'bits')
      .join('  ');
  const modes = memoryModes.filter((mode) => !memory || memory === mode);
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
