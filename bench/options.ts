import { scaleNames, type ScaleName } from '@pleinair/bench';
import { parseArgs } from 'node:util';

/** Suites by name; `ops` stands for all op suites. */
export const suiteNames = [
  'matmul',
  'conv',
  'attention',
  'norm',
  'activation',
  'unet',
  'vae',
  'end-to-end',
  'memory',
] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What the command line asks for. */
export interface BenchOptions {
  readonly suites: readonly SuiteName[];
  readonly peers: boolean;
  /** Where to write the report. */
  readonly json?: string;
  readonly dtype: 'f32' | 'f16';
  readonly filter?: string;
  readonly pick?: string;
  readonly variants: boolean;
  readonly quick: boolean;
  /** By measured rates when absent. */
  readonly scale?: ScaleName;
  readonly tune: 'off' | 'quick' | 'full';
  readonly rounds: number;
}

export const usage = `npm run bench -- [suite …] [--peers] [--json FILE]

Suites: ops (matmul, conv, attention, norm, activation), unet, vae, end-to-end, memory. All of them without a name.

  --peers         the same shapes in ONNX Runtime's WebGPU provider, and the ratio of times
  --json FILE     write the report there, result by result
  --dtype f32|f16 storage of activations and weights (f32)
  --filter TEXT   only shapes whose name holds TEXT
  --pick TEXT     force kernel variants whose name holds TEXT
  --variants      every variant of each shape beside the chosen one, taking turns; with --pick only those
  --tune HOW      off: heuristics choose variants; quick, full: the tuner does, before a shape is timed (quick)
  --quick         one or two shapes of a suite
  --scale SIZE    full, reduced or least shapes (by default what ends in time, by measured rates)
  --rounds N      runs that count, of which the median is taken (5)`;

/**
 * Reads the command line.
 *
 * @throws Error That says what is wrong.
 */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      peers: { type: 'boolean', default: false },
      json: { type: 'string' },
      dtype: { type: 'string', default: 'f32' },
      filter: { type: 'string' },
      pick: { type: 'string' },
      variants: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      scale: { type: 'string' },
      tune: { type: 'string', default: 'quick' },
      rounds: { type: 'string', default: '5' },
    },
  });
  if (values.help) return 'help';
  const { peers, json, filter, pick, variants, quick } = values;
  if (peers && variants) throw new Error('bench: expected --peers or --variants, got both. Run one after the other.');
  const dtype = oneOf('--dtype', ['f32', 'f16'] as const, values.dtype);
  const tune = oneOf('--tune', ['off', 'quick', 'full'] as const, values.tune);
  const scale = values.scale === undefined ? undefined : oneOf('--scale', scaleNames, values.scale);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 3) {
    throw new Error(`bench: expected --rounds to be a whole number from 3 on, got ${values.rounds}.`);
  }
  return { suites: suitesOf(positionals), peers, json, dtype, filter, pick, variants, quick, scale, tune, rounds };
}

function oneOf<T extends string>(flag: string, allowed: readonly T[], got: string): T {
  const known = allowed.find((one) => one === got);
  if (known === undefined) throw new Error(`bench: expected ${flag} to be ${allowed.join(', ')}, got ${got}.`);
  return known;
}

function suitesOf(names: readonly string[]): SuiteName[] {
  if (names.length === 0) return [...suiteNames];
  const wanted = names.flatMap((name) => (name === 'ops' ? suiteNames.slice(0, 5) : [name]));
  return [...new Set(wanted)].map((name) => {
    const known = suiteNames.find((one) => one === name);
    if (!known) throw new Error(`bench: expected suites among ops, ${suiteNames.join(', ')}, got ${name}.`);
    return known;
  });
}
