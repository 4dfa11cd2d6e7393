/**
 * Everything to be asked of a GPU that one can reach for minutes only, as one file for a machine with Node and Dawn's
 * binding (`webgpu`) and nothing else: kernels' numbers against their references, then speeds. Built by
 * scripts/bundle-gpu.mjs; see `usage`.
 */
import {
  adapterOf,
  benchOps,
  PeakMeter,
  peakLines,
  resultLine,
  scaleNames,
  toReport,
  withShare,
  type BenchReport,
  type BenchResult,
} from '@pleinair/bench';
import { MemoryTuningStore, Tuner } from '@pleinair/kernels';
import { requestDevice, type Device } from '@pleinair/tensor';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { sdxlRandom } from '../suites/sdxl-random.js';
import { runChecks, type TestFiles } from './run-checks.js';

/** Put in by scripts/bundle-gpu.mjs. */
declare const bundledTests: TestFiles;
declare const bundledVersion: string;

const usage = `check | ops | sdxl, one after another where several are named

  check           numeric tests of all kernels on this adapter; exit code 1 where one fails
  ops             single operations, as "pleinair bench"
  sdxl            SDXL's UNet and decoder with weights made up

  --json FILE     write what was found; a command's name is put before the ending (FILE-check.json)
  --filter TEXT   only tests of files, or shapes, whose name holds TEXT
  --scale SIZE    full, reduced or least (full)
  --tune HOW      off, quick or full (quick)
  --tune-seconds N  what quick tuning may spend on a part of the model (20)
  --rounds N      pictures that are timed (3)
  --seconds N     for check and ops: nothing is begun after so long (240)`;

const { values: flags, positionals: commands } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    json: { type: 'string' },
    filter: { type: 'string' },
    scale: { type: 'string', default: 'full' },
    tune: { type: 'string', default: 'quick' },
    'tune-seconds': { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '240' },
  },
});

const say = (line: string): void => console.log(line);

function save(command: string, report: object): void {
  if (flags.json === undefined) return;
  const file = flags.json.replace(/(\.json)?$/, `-${command}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

function oneOf<const T extends string>(name: 'scale' | 'tune', allowed: readonly T[]): T {
  const found = allowed.find((one) => one === flags[name]);
  if (found === undefined) throw new Error(`--${name}: expected ${allowed.join(', ')}, got ${flags[name]}.`);
  return found;
}

async function check(): Promise<number> {
  const report = await runChecks(bundledTests, { filter: flags.filter, seconds: Number(flags.seconds), say });
  save('check', report);
  const { passed, failed, skipped, seconds } = report;
  say(`check: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped, ${seconds} s`);
  return failed.length > 0 || passed === 0 ? 1 : 0;
}

async function ops(device: Device): Promise<number> {
  const report = await benchOps(device, {
    dtype: device.profile.features.shaderF16 ? 'f16' : 'f32',
    filter: flags.filter,
    scale: oneOf('scale', scaleNames),
    tune: oneOf('tune', ['off', 'quick', 'full']),
    budgetMs: 1000 * Number(flags.seconds),
    versions: { pleinair: bundledVersion, node: process.versions.node },
    command: `ops ${process.argv.slice(3).join(' ')}`.trim(),
    onEvent(event) {
      if (event.kind === 'peaks') peakLines(event.peaks).forEach(say);
      if (event.kind === 'result') say(resultLine(event.result));
      if (event.kind === 'failure') say(`${event.failure.shape}: not measured: ${event.failure.reason}`);
      if (event.kind === 'report') save('ops', event.report);
    },
  });
  save('ops', report);
  return 0;
}

async function sdxl(device: Device): Promise<number> {
  const mode = oneOf('tune', ['off', 'quick', 'full']);
  const scale = oneOf('scale', scaleNames);
  const budgetMs = 1000 * Number(flags['tune-seconds']);
  const meter = await PeakMeter.open(device);
  for (let round = 0; round < 3; round++) await meter.round();
  peakLines(meter.peaks).forEach(say);
  const results: BenchResult[] = [];
  const failures: { suite: string; shape: string; reason: string }[] = [];
  const report = (): BenchReport =>
    toReport({
      adapter: adapterOf(device.profile),
      versions: { pleinair: bundledVersion, node: process.versions.node },
      command: `sdxl ${process.argv.slice(3).join(' ')}`.trim(),
      dtype: 'f16',
      scale: { name: scale, reason: 'asked for' },
      peaks: meter.peaks,
      results,
      failures,
    });
  const context = {
    device,
    dtype: 'f16' as const,
    filter: flags.filter,
    scale,
    quick: false,
    care: { rounds: Number(flags.rounds), budgetMs: 60_000, spanMs: 30 },
    tuner: mode === 'off' ? undefined : new Tuner(device, { mode, store: new MemoryTuningStore(), budgetMs }),
    root: '',
    fail: (failure: (typeof failures)[number]) => void failures.push(failure),
  };
  try {
    for await (const result of sdxlRandom(context)) {
      results.push(result);
      say(resultLine(withShare(result, meter.peaks)));
      await meter.round();
      save('sdxl', report());
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.fail({ suite: 'sdxl-random', shape: 'the suite', reason });
    say(`sdxl: ended early: ${reason}`);
  }
  save('sdxl', report());
  return failures.length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  if (flags.help || commands.length === 0) {
    say(usage);
    return commands.length === 0 && !flags.help ? 2 : 0;
  }
  const device = await requestDevice();
  const { profile } = device;
  say(`${profile.name}: ${adapterOf(profile).features.join(', ')}`);
  for (const { component, result, m, n, k } of profile.subgroupMatrixShapes) {
    say(`matrix units ${component} to ${result}, ${m}×${n}×${k}`);
  }
  let worst = 0;
  for (const command of commands) {
    const run = { check, ops: () => ops(device), sdxl: () => sdxl(device) }[command];
    if (!run) throw new Error(`expected check, ops or sdxl, got ${command}.`);
    say(`\n── ${command}`);
    worst = Math.max(worst, await run());
  }
  return worst;
}

try {
  // Dawn keeps the process alive as long as its objects are reachable.
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(2);
}
