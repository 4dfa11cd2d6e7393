import { opSuites, scaleNames, type ScaleName } from '@pleinair/bench';
import { parseArgs } from 'node:util';

/** Suites that run where none is named. */
const usualSuites = [
  'matmul',
  'conv',
  'attention',
  'norm',
  'activation',
  'palettized',
  'unet',
  'vae',
  'end-to-end',
  'memory',
] as const;

/** Suites that take long and run only when named. */
const longSuites = ['vae-tiled', 'tune', 'sdxl-random'] as const;

/** Suites by name; `ops` stands for all op suites. */
export const suiteNames = [...usualSuites, ...longSuites] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What the command line asks for. */
export interface BenchOptions {
  readonly suites: readonly SuiteName[];
  readonly peers: boolean;
  /** Where to write the report. */
  readonly json?: string;
  /** See {@link dtypeOf}. */
  readonly dtype?: 'f32' | 'f16';
  readonly filter?: string;
  readonly pick?: string;
  readonly variants: boolean;
  readonly quick: boolean;
  /** By measured rates when absent. */
  readonly scale?: ScaleName;
  readonly tune: 'off' | 'quick' | 'full';
  readonly rounds: number;
}

/** The command line asks for something that there is not. */
export class UsageError extends Error {}

export const usage = `npm run bench -- [suite …] [--peers] [--json FILE]

Suites: ops (matmul, conv, attention, norm, activation), palettized, unet, vae, end-to-end, memory. All of them
without a name. palettized: palettized weights beside the same weights as half floats, both ours.
Only by name: vae-tiled (the demo model's decoder in bands beside the whole one, 256² to 1024²), tune (whole pictures
by heuristics beside what quick and full tuning find), sdxl-random (SDXL's UNet and decoder with weights made up: for
GPUs; other scales are small models of its form).
palettize, alone: recipes of the demo model on held-out prompts, a report of its own (palettize --help).

  --peers         the same shapes in ONNX Runtime's WebGPU provider, and the ratio of times
  --json FILE     write the report there, result by result
  --dtype f32|f16 storage of activations and weights (f32; for palettized alone f16 where the adapter has it)
  --filter TEXT   only shapes whose name holds TEXT
  --pick TEXT     force kernel variants whose name holds TEXT
  --variants      every variant of each shape beside the chosen one, taking turns; with --pick only those
  --tune HOW      off: heuristics choose variants; quick, full: the tuner does, before a shape is timed (quick)
  --quick         one or two shapes of a suite; vae-tiled: 256² alone, tune: without the full pass
  --scale SIZE    full, reduced or least shapes (by default what ends in time, by measured rates)
  --rounds N      runs that count, of which the median is taken (5)`;

/**
 * Reads the command line.
 *
 * @throws UsageError That says what is wrong.
 */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const { peers, json, filter, pick, variants, quick } = values;
  if (peers && variants)
    throw new UsageError('bench: expected --peers or --variants, got both. Run one after the other.');
  const dtype = values.dtype === undefined ? undefined : oneOf('--dtype', ['f32', 'f16'] as const, values.dtype);
  const tune = oneOf('--tune', ['off', 'quick', 'full'] as const, values.tune);
  const scale = values.scale === undefined ? undefined : oneOf('--scale', scaleNames, values.scale);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 3) {
    throw new UsageError(`bench: expected --rounds to be a whole number from 3 on, got ${values.rounds}.`);
  }
  return { suites: suitesOf(positionals), peers, json, dtype, filter, pick, variants, quick, scale, tune, rounds };
}

/**
 * The storage that is measured where none was asked for: f32, which all adapters have; for palettized weights alone what a
 * picture would take, f16 where shaders have it.
 */
export function dtypeOf({ dtype, suites }: BenchOptions, hasHalves: boolean): 'f32' | 'f16' {
  return dtype ?? (hasHalves && suites.every((suite) => suite === 'palettized') ? 'f16' : 'f32');
}

const flags = {
  help: { type: 'boolean', short: 'h' },
  peers: { type: 'boolean', default: false },
  json: { type: 'string' },
  dtype: { type: 'string' },
  filter: { type: 'string' },
  pick: { type: 'string' },
  variants: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  scale: { type: 'string' },
  tune: { type: 'string', default: 'quick' },
  rounds: { type: 'string', default: '5' },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: flags });
  } catch (error) {
    // What Node finds wrong with flags it says in one sentence.
    throw new UsageError(`bench: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function oneOf<T extends string>(flag: string, allowed: readonly T[], got: string): T {
  const known = allowed.find((one) => one === got);
  if (known === undefined) throw new UsageError(`bench: expected ${flag} to be ${allowed.join(', ')}, got ${got}.`);
  return known;
}

function suitesOf(names: readonly string[]): SuiteName[] {
  if (names.length === 0) return [...usualSuites];
  const wanted = names.flatMap((name) => (name === 'ops' ? opSuites : [name]));
  return [...new Set(wanted)].map((name) => {
    const known = suiteNames.find((one) => one === name);
    if (!known) throw new UsageError(`bench: expected suites among ops, ${suiteNames.join(', ')}, got ${name}.`);
    return known;
  });
}
