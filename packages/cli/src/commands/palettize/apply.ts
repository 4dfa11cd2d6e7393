import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { modelPath } from '@pleinair/demo-model';
import type { AppliedPart } from '@pleinair/palettize';
import { applyRecipe, nodeWorkerSolver } from '@pleinair/palettize/node';
import { PleinairError } from '@pleinair/tensor';
import { openComponent, parseHubName, type ModelSource } from '@pleinair/weights';
import { downloadModel, folderSource, hubEndpointOf, isFolder } from '@pleinair/weights/node';
import { leastWeights } from 'pleinair/models';
import { interruptible } from '../../interrupt.js';
import { addPaletteOptions, paletteRules, type PaletteFlags } from '../../palette-options.js';
import { Progress } from '../../progress.js';
import { formatBytes, formatMs, type Terminal } from '../../terminal.js';

interface ApplyFlags extends PaletteFlags {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** What became of a part, and what it took before and after. */
interface PartReport extends Omit<AppliedPart, 'errors'> {
  readonly bytesBefore: number;
  readonly bytes: number;
}

/** Folders of the parts that can be palettized. */
const components = ['text_encoder', 'text_encoder_2', 'unet'];

/** Adds `pleinair palettize apply`. */
export function addApply(palettize: Command, terminal: Terminal): void {
  const command = palettize
    .command('apply')
    .description('Writes a model folder anew with its weights palettized; everything else comes along as it is.')
    .argument('<model>', 'a folder in diffusers layout, owner/name on the Hub, or demo')
    .argument('<out>', 'the folder to write; it appears when it is complete');
  addPaletteOptions(command)
    .option('--force', 'replace a model folder that is there')
    .option('--json', 'the last line of stdout is one JSON object')
    .addHelpText(
      'after',
      '\nExamples:' +
        '\n  pleinair palettize apply demo demo-6-bit --bits 6' +
        '\n  pleinair palettize apply sdxl sdxl-4.5 --recipe recipe.json#recipe_4.50_bit_mixedpalette --bits text_encoder=6,text_encoder_2=6',
    )
    .action((model: string, out: string, flags: ApplyFlags) => apply(model, out, flags, terminal));
}

async function apply(place: string, out: string, flags: ApplyFlags, terminal: Terminal): Promise<void> {
  const model = await folderOf(place, terminal);
  if (/^https?:/i.test(model)) {
    throw new PleinairError(
      'usage/model',
      `palettize apply: expected a folder on this machine, got ${model}. Download the model first.`,
    );
  }
  const source = folderSource(model);
  const parts = await paletteRules('palettize apply', flags, await componentsOf(source));
  if (Object.keys(parts).length === 0) {
    throw new PleinairError(
      'usage/components',
      'palettize apply: expected --bits or --recipe to palettize something, got nothing. Say for instance --bits 6.',
    );
  }
  const minWeights = await leastWeights(flags.minWeights, source);
  const before = new Map<string, number>();
  for (const part of Object.keys(parts)) before.set(part, await weightBytesOf(source, part));

  const started = performance.now();
  const progress = new Progress(terminal);
  const solver = nodeWorkerSolver();
  let applied: Readonly<Record<string, AppliedPart>>;
  try {
    applied = await interruptible(terminal.err, (signal) =>
      applyRecipe({
        model,
        out,
        parts,
        minWeights,
        replace: flags.force,
        solver,
        signal,
        onProgress: ({ done, total, secondsLeft }) =>
          progress.bytes('palettizing', done, total, secondsLeft === undefined ? undefined : 1000 * secondsLeft),
      }),
    );
  } finally {
    progress.stop();
    await solver.close();
  }
  const reports: Record<string, PartReport> = {};
  for (const [part, { errors: _, ...report }] of Object.entries(applied)) {
    const bytes = (await stat(join(out, report.file))).size;
    reports[part] = { ...report, bytesBefore: before.get(part)!, bytes };
  }
  const seconds = (performance.now() - started) / 1000;
  const lines = Object.entries(reports).map(
    ([part, { tensors, averageBits, bytesBefore, bytes }]) =>
      `${part}: ${tensors} layers, ${averageBits.toFixed(2)} bits on average, ${formatBytes(bytesBefore)} → ${formatBytes(bytes)}`,
  );
  const text = [out, ...lines, `in ${formatMs(1000 * seconds)}`, ''].join('\n');
  (flags.json ? terminal.err : terminal.out).write(text);
  if (flags.json) terminal.out.write(`${JSON.stringify({ out, seconds, minWeights, parts: reports })}\n`);
}

/** The folder of a model: one that is there, or of the cache, where a model of the Hub is downloaded to. */
async function folderOf(place: string, terminal: Terminal): Promise<string> {
  if (place === 'demo') return modelPath;
  if (!parseHubName(place, hubEndpointOf()) || (await isFolder(place))) return place;
  const progress = new Progress(terminal);
  const { folder } = await interruptible(terminal.err, (signal) =>
    downloadModel(place, { signal, onProgress: (report) => progress.download(report) }),
  ).finally(() => progress.stop());
  return folder;
}

/** The parts of the model that can be palettized. Throws where it is no model's folder. */
async function componentsOf(source: ModelSource): Promise<readonly string[]> {
  const index = (await source.readJson('model_index.json')) as Readonly<Record<string, unknown>>;
  return components.filter((name) => index[name] !== undefined);
}

async function weightBytesOf(source: ModelSource, part: string): Promise<number> {
  const { files } = await openComponent(source, part);
  const sizes = await Promise.all(files.map(({ path }) => source.size(path)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
