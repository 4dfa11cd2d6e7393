import { adapterOf } from '@pleinair/bench';
import { requestDevice } from '@pleinair/tensor';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { analysisBy, AnalysisEnded, UnknownAnalysis } from './analyses.js';
import { evaluateDemo } from './evaluate-demo.js';
import { recordLines, recordOf } from './record.js';

/** What `npm run bench -- palettize` is told by bench/main.ts. */
export interface PalettizeBenchContext {
  /** The repository's root folder. */
  readonly root: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Writes a report where `--json` asks for it. */
  readonly save: (options: { json?: string }, report: object) => void;
}

const usage = `npm run bench -- palettize [--json FILE]

Recipes of the demo model on prompts no analysis has seen: PSNR against average bits of each method, linear 8-bit and palettes
of one width. Analyses are taken from their logs, .cache/palettize/METHOD.json.log, and made where these are not there, which
takes long; ended anywhere, the same command goes on. A log of another model or other settings is refused.

  --json FILE      write the record there
  --methods NAMES  published,fast (both)
  --prompts N      how many prompts (16)
  --points N       points of each curve of one width (16)`;

/**
 * Measures recipes of the demo model. Returns the exit code: 1 where something does not hold that is to, that of the analysis
 * where one was ended.
 */
export async function benchPalettize(args: readonly string[], context: PalettizeBenchContext): Promise<number> {
  try {
    return await measure(args, context);
  } catch (error) {
    if (!(error instanceof AnalysisEnded || error instanceof UnknownAnalysis)) throw error;
    console.error(error.message);
    return error instanceof AnalysisEnded ? error.exitCode : 2;
  }
}

async function measure(args: readonly string[], context: PalettizeBenchContext): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'string' },
      methods: { type: 'string', default: 'published,fast' },
      prompts: { type: 'string', default: '16' },
      points: { type: 'string', default: '16' },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const folder = join(context.root, '.cache', 'palettize');
  const model = join(context.root, 'packages', 'demo-model', 'model');
  const methods = values.methods.split(',');
  const files = Object.fromEntries(
    await sequentially(methods, async (method) => [method, await analysisBy(method, { folder, model })]),
  );
  const device = await requestDevice();
  try {
    let told = 0;
    const evaluation = await evaluateDemo({
      device,
      model,
      files,
      prompts: atLeastOne('--prompts', values.prompts),
      points: atLeastOne('--points', values.points),
      // Results of one adapter and number of prompts are of no use to another.
      log: join(folder, `evaluation-${values.prompts}-${device.profile.name.replace(/\W+/g, '-')}.log`),
      onProgress({ done, total, secondsLeft }) {
        if (done < total && performance.now() < told + 10_000) return;
        told = performance.now();
        const left = secondsLeft === undefined ? '' : `, ${Math.ceil(secondsLeft)} s left`;
        console.error(`evaluating: ${done} of ${total}${left}`);
      },
    });
    const record = recordOf(evaluation, {
      adapter: adapterOf(device.profile),
      versions: context.versions,
      command: `npm run bench -- palettize ${args.join(' ')}`.trim(),
      model: 'pleinair-demo',
    });
    context.save(values, record);
    for (const line of recordLines(record)) console.log(line);
    return record.checks.every(({ holds }) => holds) ? 0 : 1;
  } finally {
    device.destroy();
  }
}

async function sequentially<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

function atLeastOne(flag: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new Error(`bench: expected ${flag} to be a whole number of at least 1, got ${text}.`);
}
