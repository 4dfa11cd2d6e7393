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
      rounds: { type: 'string', default: '5' },
    },
  });
  if (values.help) return 'help';
  const { peers, json, dtype, filter, pick, variants } = values;
  if (peers && variants) throw new Error('bench: expected --peers or --variants, got both. Run one after the other.');
  if (dtype !== 'f32' && dtype !== 'f16') throw new Error(`bench: expected --dtype f32 or f16, got ${dtype}.`);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 3) {
    throw new Error(`bench: expected --rounds to be a whole number from 3 on, got ${values.rounds}.`);
  }
  return { suites: suitesOf(positionals), peers, json, dtype, filter, pick, variants, rounds };
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
