import {
  benchOps,
  opCases,
  opSuites,
  peakLines,
  resultTable,
  scaleNames,
  shapeSuites,
  type BenchEvent,
  type BenchFailure,
  type BenchReport,
  type OpSuite,
  type ScaleName,
} from '@pleinair/bench';
import { isPleinairError, PleinairError, requestDevice } from '@pleinair/tensor';
import { Option, type Command } from 'commander';
import { resolve } from 'node:path';
import { interruptible } from '../interrupt.js';
import { wholeNumber } from '../options.js';
import { slug } from '../output-file.js';
import { Progress } from '../progress.js';
import { ReportFile } from '../report-file.js';
import type { Terminal } from '../terminal.js';
import { version } from '../version.js';
import { webgpuVersion } from '../webgpu-version.js';

interface BenchFlags {
  readonly json?: string;
  /** False with `--no-file`. */
  readonly file: boolean;
  readonly quick?: boolean;
  readonly precision: 'auto' | 'f16' | 'f32';
  readonly scale?: ScaleName;
  readonly tune: 'off' | 'quick' | 'full';
  readonly filter?: string;
  readonly seconds: number;
  readonly adapter: 'high-performance' | 'low-power' | 'fallback';
}

/** Adds `pleinair bench`. */
export function addBench(program: Command, terminal: Terminal): void {
  program
    .command('bench')
    .description("How fast kernels run on this adapter, beside the adapter's own limits: about two minutes, no model.")
    .argument('[suite...]', `${opSuites.join(', ')}, or ops for all of these; palettized`, ['ops'])
    .option('--json <file>', 'where the report goes (default: a new file here, named after adapter, system, precision)')
    .addOption(new Option('--no-file', 'write no report').conflicts('json'))
    .option('--quick', 'one or two shapes of a suite')
    .addOption(
      new Option('--precision <dtype>', 'storage of activations and weights (auto: f16 where shaders have it)')
        .choices(['auto', 'f16', 'f32'])
        .default('auto'),
    )
    .addOption(
      new Option('--scale <size>', 'size of the shapes (default: by measured rates, to end in time)').choices(
        scaleNames,
      ),
    )
    .addOption(
      new Option('--tune <how>', 'whether the fastest variant of a shape is found before it is timed')
        .choices(['off', 'quick', 'full'])
        .default('quick'),
    )
    .option(
      '--seconds <n>',
      'no shape is begun after this long; the first ones stand for each suite',
      wholeNumber(1),
      110,
    )
    .option('--filter <text>', 'only shapes whose name holds this')
    .addOption(
      new Option('--adapter <which>', 'which GPU')
        .choices(['high-performance', 'low-power', 'fallback'])
        .default('high-performance'),
    )
    .addHelpText('after', '\nCtrl-C ends it early; the report keeps what was measured until then.')
    .action((suites: string[], flags: BenchFlags) => bench(suitesOf(suites), flags, terminal));
}

async function bench(suites: readonly OpSuite[], flags: BenchFlags, terminal: Terminal): Promise<void> {
  expectShapes(suites, flags);
  let file = flags.json === undefined ? undefined : await ReportFile.open(flags.json);
  const progress = new Progress(terminal);
  await interruptible(terminal.err, async (signal) => {
    let soFar: BenchReport | undefined;
    let kept = Promise.resolve();
    try {
      const device = await requestDevice(
        flags.adapter === 'fallback' ? { fallback: true } : { powerPreference: flags.adapter },
      );
      try {
        const { name, features } = device.profile;
        const dtype = flags.precision === 'auto' ? (features.shaderF16 ? 'f16' : 'f32') : flags.precision;
        if (flags.file) file ??= await ReportFile.openNew(resolve(reportName(name, { dtype, suites, flags })));
        terminal.err.write(`${name}, ${dtype}\nmeasuring the adapter's limits …\n`);
        const report = await benchOps(device, {
          suites,
          dtype,
          filter: flags.filter,
          quick: flags.quick,
          scale: flags.scale,
          tune: flags.tune,
          budgetMs: flags.seconds * 1000,
          signal,
          versions: { pleinair: version, node: process.versions.node, ...webgpuVersion() },
          command: commandOf(suites, flags),
          onEvent(event) {
            if (event.kind === 'report') {
              const { report: now } = event;
              soFar = now;
              // As it grows, so that also a run that is killed has not been for nothing.
              if (now.results.length > 0) kept = kept.then(() => file?.write(now)).catch(() => undefined);
            }
            show(event, progress);
          },
        });
        progress.stop();
        terminal.out.write(`${text(report)}\n`);
        for (const line of leftOut(report.failures)) terminal.err.write(`${line}\n`);
        await kept;
        if (file) {
          await file.write(report);
          terminal.err.write(`${handIn(file, isPartial(suites, flags))}\n`);
        }
      } finally {
        device.destroy();
      }
    } catch (error) {
      progress.stop();
      await kept;
      if (isPleinairError(error) && soFar) await tellSoFar(soFar, file, terminal);
      throw error;
    }
  });
}

/** What a run that ended early leaves. */
async function tellSoFar(report: BenchReport, file: ReportFile | undefined, terminal: Terminal): Promise<void> {
  const { length } = report.results;
  if (length === 0) {
    terminal.err.write("Ended early: nothing but the adapter's limits was measured.\n");
    return;
  }
  terminal.out.write(`${text(report)}\n`);
  terminal.err.write(`Ended early: ${length} ${length === 1 ? 'shape' : 'shapes'} measured.\n`);
  if (!file) return;
  await file.write(report);
  terminal.err.write(`They are in ${file.path}\n`);
}

function suitesOf(names: readonly string[]): OpSuite[] {
  const wanted = names.flatMap((name) => (name === 'ops' ? opSuites : [name]));
  return [...new Set(wanted)].map((name) => {
    const known = shapeSuites.find((suite) => suite === name);
    if (known) return known;
    throw new PleinairError(
      'usage/suite',
      `bench: expected suites among ${shapeSuites.join(', ')}, or ops for all but palettized, got "${name}". Check the name.`,
    );
  });
}

function expectShapes(suites: readonly OpSuite[], { filter, quick, scale }: BenchFlags): void {
  const sizes = scale ? [scale] : scaleNames;
  if (sizes.some((size) => suites.some((suite) => opCases(suite, { scale: size, quick, filter }).length > 0))) return;
  throw new PleinairError(
    'usage/filter',
    `bench: expected --filter to hold part of a shape's name, got "${filter}". Run without it once to see their names.`,
  );
}

function show(event: BenchEvent, progress: Progress): void {
  switch (event.kind) {
    case 'peaks':
      for (const line of peakLines(event.peaks)) progress.note(line);
      return;
    case 'scale':
      progress.note(`${event.scale.name} shapes: ${event.scale.reason}`);
      return;
    case 'shape':
      progress.steps(event.suite, event.index, event.of);
      return;
    case 'failure':
    case 'result':
    case 'report':
      return;
  }
}

function text({ adapter, dtype, scale, peaks, results }: BenchReport): string {
  const shown = shapeSuites.flatMap((suite) => results.filter((result) => result.suite === suite));
  return [`${adapter.name}, ${dtype}, ${scale.name} shapes`, ...peakLines(peaks), '', resultTable(shown)].join('\n');
}

/** Each reason once, with the shapes that it kept from being measured. */
function leftOut(failures: readonly BenchFailure[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { reason, shape } of failures) byReason.set(reason, [...(byReason.get(reason) ?? []), shape]);
  return [...byReason].map(([reason, shapes]) => {
    const more = shapes.length > 3 ? ` and ${shapes.length - 3} more` : '';
    return `Not measured: ${shapes.slice(0, 3).join('; ')}${more}: ${reason}.`;
  });
}

function handIn({ path }: ReportFile, partial: boolean): string {
  if (partial) return `The report is in ${path}. It holds a part; "pleinair bench" alone makes one worth handing in.`;
  return (
    `The report is in ${path}. To hand it in, name it after your GPU, system and precision (apple-m2-macos-f16.json) ` +
    'and open a pull request that adds it to bench/results/; docs/benchmarks.md says more.'
  );
}

/** Whether all op suites are measured, whatever else is. */
function hasAllOps(suites: readonly OpSuite[]): boolean {
  return opSuites.every((suite) => suites.includes(suite));
}

/** Whether something of the op suites is left out. */
function isPartial(suites: readonly OpSuite[], { quick, filter }: BenchFlags): boolean {
  return !hasAllOps(suites) || quick === true || filter !== undefined;
}

/** After adapter, system and precision, as `bench/results/` has them; `-partial` where it does not hold all op suites. */
function reportName(
  adapter: string,
  run: { readonly dtype: string; readonly suites: readonly OpSuite[]; readonly flags: BenchFlags },
): string {
  const { dtype, suites, flags } = run;
  const system = { darwin: 'macos', win32: 'windows' }[process.platform as string] ?? process.platform;
  return `${slug(adapter)}-${system}-${dtype}${isPartial(suites, flags) ? '-partial' : ''}.json`;
}

function commandOf(suites: readonly OpSuite[], flags: BenchFlags): string {
  const all = suites.length === opSuites.length && hasAllOps(suites);
  return [
    'pleinair bench',
    ...(all ? [] : suites),
    ...(flags.quick ? ['--quick'] : []),
    ...(flags.precision === 'auto' ? [] : ['--precision', flags.precision]),
    ...(flags.scale ? ['--scale', flags.scale] : []),
    ...(flags.seconds === 110 ? [] : ['--seconds', String(flags.seconds)]),
    ...(flags.tune === 'quick' ? [] : ['--tune', flags.tune]),
    ...(flags.filter === undefined ? [] : ['--filter', JSON.stringify(flags.filter)]),
    ...(flags.adapter === 'high-performance' ? [] : ['--adapter', flags.adapter]),
  ].join(' ');
}
