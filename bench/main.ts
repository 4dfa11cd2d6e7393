/** Measures kernels and whole models; see `usage` in options.ts. Started by scripts/bench.mjs. */
import {
  adapterOf,
  chooseScale,
  PeakMeter,
  peakLines,
  resultLine,
  summaryLines,
  toReport,
  withShare,
  type BenchFailure,
  type BenchReport,
  type BenchResult,
} from '@pleinair/bench';
import { MemoryTuningStore, Tuner } from '@pleinair/kernels';
import { requestDevice } from '@pleinair/tensor';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { dtypeOf, readOptions, usage, UsageError, type BenchOptions, type SuiteName } from './options.js';
import { benchPalettize } from './palettize/bench-palettize.js';
import { Onnxruntime } from './peer/onnxruntime.js';
import { opPeer } from './peer/op-chains.js';
import type { Suite } from './suites/context.js';
import { endToEnd } from './suites/end-to-end.js';
import { memory } from './suites/memory.js';
import { opSuite } from './suites/op-suite.js';
import { sdxlRandom } from './suites/sdxl-random.js';
import { tune } from './suites/tune.js';
import { demoUnet } from './suites/unet.js';
import { demoVae } from './suites/vae.js';
import { vaeTiled } from './suites/vae-tiled.js';

const suites: Readonly<Record<SuiteName, Suite>> = {
  matmul: opSuite('matmul'),
  conv: opSuite('conv'),
  attention: opSuite('attention'),
  norm: opSuite('norm'),
  activation: opSuite('activation'),
  palettized: opSuite('palettized'),
  unet: demoUnet,
  vae: demoVae,
  'end-to-end': endToEnd,
  memory,
  'vae-tiled': vaeTiled,
  tune,
  'sdxl-random': sdxlRandom,
};

/** Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  // A report of its own: sizes and PSNR, no times.
  if (args[0] === 'palettize') {
    const root = process.cwd();
    return benchPalettize(args.slice(1), { root, versions: versions(root, undefined), save });
  }
  const options = readOptions(args);
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  // scripts/bench.mjs starts this in the root folder.
  const root = process.cwd();
  const device = await requestDevice();
  const { profile } = device;
  const { filter, pick, variants, quick, tune: tuning } = options;
  const dtype = dtypeOf(options, profile.features.shaderF16);
  console.log(`${profile.name}, ${dtype}`);
  const runtime = options.peers ? await Onnxruntime.load() : undefined;
  const peer = runtime && opPeer(runtime);
  const meter = await PeakMeter.open(device);
  for (let round = 0; round < 3; round++) await meter.round();
  for (const line of peakLines(meter.peaks)) console.log(line);
  const scale = options.scale
    ? { name: options.scale, reason: 'asked for' }
    : await chooseScale(device, { peaks: meter.peaks, dtype, patience: 'a quarter of an hour', peer });
  console.log(`scale    ${scale.name} shapes: ${scale.reason}`);
  const results: BenchResult[] = [];
  const failures: BenchFailure[] = [];
  const fail = (failure: BenchFailure): void => {
    failures.push(failure);
    console.log(`${failure.suite.padEnd(10)} ${failure.shape}: not measured: ${failure.reason}`);
  };
  const report = (): BenchReport =>
    toReport({
      adapter: adapterOf(profile),
      versions: versions(root, runtime),
      command: `npm run bench -- ${args.join(' ')}`.trim(),
      dtype,
      scale,
      peaks: meter.peaks,
      results,
      failures,
    });
  const end = (): void => {
    save(options, report());
    for (const line of [...peakLines(meter.peaks), ...summaryLines(report().summary)]) console.log(line);
  };
  process.once('SIGINT', () => {
    // Peers know no cancelling, so a run is ended where it stands; all that is told here is known at once.
    console.log(`ended early: ${results.length} results`);
    end();
    process.exit(130);
  });
  const care = {
    rounds: options.rounds,
    budgetMs: variants ? 90_000 : 30_000,
    spanMs: profile.isSoftware ? 120 : 30,
  };
  const tuner = tuning === 'off' ? undefined : new Tuner(device, { mode: tuning, store: new MemoryTuningStore() });
  const context = { device, dtype, filter, pick, variants, quick, care, tuner, peer, runtime, scale: scale.name, root };
  for (const name of options.suites) {
    try {
      for await (const result of suites[name]({ ...context, fail })) {
        results.push(result);
        console.log(resultLine(withShare(result, meter.peaks)));
        await meter.round();
        // As they come: a run that is stopped has not been for nothing.
        save(options, report());
      }
    } catch (error) {
      fail({ suite: name, shape: 'the suite', reason: error instanceof Error ? error.message : String(error) });
    }
  }
  end();
  return failures.length > 0 ? 1 : 0;
}

function save({ json }: Pick<BenchOptions, 'json'>, report: object): void {
  if (json === undefined) return;
  // npm has moved to the root; a relative name is meant from where the person stands.
  const file = resolve(process.env['INIT_CWD'] ?? process.cwd(), json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

function versions(root: string, runtime: Onnxruntime | undefined): Record<string, string> {
  const of = (folder: string): string =>
    (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { version: string }).version;
  return {
    pleinair: of('packages/pleinair'),
    webgpu: of('node_modules/webgpu'),
    node: process.versions.node,
    ...(runtime && { 'onnxruntime-node': runtime.version }),
  };
}

try {
  // Dawn keeps the process alive as long as its objects are reachable.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n(--help lists what there is)`);
    process.exit(2);
  }
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(1);
}
