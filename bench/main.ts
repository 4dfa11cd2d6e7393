/** Measures kernels and whole models; see `usage` in options.ts. Started by scripts/bench.mjs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { requestDevice } from '@pleinair/tensor';
import { measurePeaks } from './measure/peaks.js';
import { readOptions, usage, type BenchOptions, type SuiteName } from './options.js';
import { Onnxruntime } from './peer/onnxruntime.js';
import { summarise, type BenchFailure, type BenchReport, type BenchResult } from './report/report.js';
import { peaksLine, resultLine, summaryLines } from './report/table.js';
import type { Suite } from './suites/context.js';
import { endToEnd } from './suites/end-to-end.js';
import { memory } from './suites/memory.js';
import { opSuite } from './suites/op-suite.js';
import { demoUnet } from './suites/unet.js';
import { demoVae } from './suites/vae.js';

const suites: Readonly<Record<SuiteName, Suite>> = {
  matmul: opSuite('matmul'),
  conv: opSuite('conv'),
  attention: opSuite('attention'),
  norm: opSuite('norm'),
  activation: opSuite('activation'),
  unet: demoUnet,
  vae: demoVae,
  'end-to-end': endToEnd,
  memory,
};

/** Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  // scripts/bench.mjs starts this in the root folder.
  const root = process.cwd();
  const device = await requestDevice();
  const { profile } = device;
  console.log(`${profile.name}, ${options.dtype}`);
  const peer = options.peers ? await Onnxruntime.load() : undefined;
  const peaks = await measurePeaks(device);
  console.log(peaksLine(peaks));
  const results: BenchResult[] = [];
  const failures: BenchFailure[] = [];
  const fail = (failure: BenchFailure): void => {
    failures.push(failure);
    console.log(`${failure.suite.padEnd(10)} ${failure.shape}: not measured: ${failure.reason}`);
  };
  const report = (): BenchReport => ({
    adapter: {
      name: profile.name,
      vendor: profile.vendor,
      architecture: profile.architecture,
      software: profile.isSoftware,
    },
    versions: versions(root, peer),
    date: new Date().toISOString().slice(0, 10),
    command: `npm run bench -- ${args.join(' ')}`.trim(),
    dtype: options.dtype,
    peaks,
    results,
    failures,
    summary: summarise(results),
  });
  const care = {
    rounds: options.rounds,
    budgetMs: options.variants ? 90_000 : 30_000,
    spanMs: profile.isSoftware ? 120 : 30,
  };
  const { dtype, filter, pick, variants } = options;
  for (const name of options.suites) {
    try {
      for await (const result of suites[name]({
        device,
        dtype,
        filter,
        pick,
        variants,
        care,
        peer,
        peaks,
        fail,
        root,
      })) {
        results.push(result);
        console.log(resultLine(result));
        // As they come: a run that is stopped has not been for nothing.
        save(options, report());
      }
    } catch (error) {
      fail({ suite: name, shape: 'the suite', reason: error instanceof Error ? error.message : String(error) });
    }
  }
  save(options, report());
  for (const line of summaryLines(report().summary)) console.log(line);
  return failures.length > 0 ? 1 : 0;
}

function save({ json }: BenchOptions, report: BenchReport): void {
  if (json === undefined) return;
  // npm has moved to the root; a relative name is meant from where the person stands.
  const file = resolve(process.env['INIT_CWD'] ?? process.cwd(), json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

function versions(root: string, peer: Onnxruntime | undefined): Record<string, string> {
  const of = (folder: string): string =>
    (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { version: string }).version;
  return {
    pleinair: of('packages/pleinair'),
    webgpu: of('node_modules/webgpu'),
    node: process.versions.node,
    ...(peer && { 'onnxruntime-node': peer.version }),
  };
}

try {
  // Dawn keeps the process alive as long as its objects are reachable.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(1);
}
