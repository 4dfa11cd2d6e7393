import { stat } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { modelUrl } from '@pleinair/demo-model';
import { palettizeModel } from '@pleinair/palettize';
import { nodeWorkerSolver } from '@pleinair/palettize/node';
import {
  indicesSuffix,
  isCheckpointModel,
  openComponent,
  WeightError,
  writeModel,
  type FloatDtype,
  type ModelSource,
} from '@pleinair/weights';
import { folderSink } from '@pleinair/weights/node';
import { describeModel, isPleinairError, openPlace } from 'pleinair';
import { addCheckpointOptions, checkpointChoices, type CheckpointFlags } from '../checkpoint-options.js';
import { interruptible } from '../interrupt.js';
import { leastWeights } from '../least-weights.js';
import { wholeNumber } from '../options.js';
import { paletteRules, parseBits, type PaletteFlags } from '../palette-options.js';
import { Progress } from '../progress.js';
import { formatBytes, formatMs, type Terminal } from '../terminal.js';

interface ConvertFlags extends CheckpointFlags {
  readonly dtype?: 'f16' | 'f32' | 'bf16';
  readonly palettize?: string;
  readonly maxShardMb: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

const dtypes: Readonly<Record<'f16' | 'f32' | 'bf16', FloatDtype>> = { f16: 'F16', f32: 'F32', bf16: 'BF16' };

/** Parts that can be palettized. */
const palettizable = ['text_encoder', 'text_encoder_2', 'unet'];

/** Adds `pleinair convert`. */
export function addConvert(program: Command, terminal: Terminal): void {
  const command = program
    .command('convert')
    .description(
      'Writes a model as a folder in diffusers layout: from a single-file checkpoint, or from such a folder.',
    )
    .argument('<in>', 'a .safetensors checkpoint or a folder, by its path or address; a model of the Hub; or demo')
    .argument('<out>', 'the folder to write; it appears when it is complete')
    .addOption(
      new Option('--dtype <type>', 'what weights are stored in (default: as they are)').choices(['f16', 'f32', 'bf16']),
    )
    .option(
      '--palettize <how>',
      'palettize by a width for all (4), by widths by part (unet=4,text_encoder=6), or by a recipe (FILE or FILE#name)',
    )
    .option(
      '--max-shard-mb <n>',
      'cut parts of more than so many 10⁶ bytes into several files',
      wholeNumber(1),
      10_000,
    );
  addCheckpointOptions(command)
    .option('--force', 'replace a model folder that is there')
    .option('--json', 'the last line of stdout is one JSON object')
    .addHelpText(
      'after',
      '\nWhat a checkpoint is is told by names and shapes, and said. A run that was interrupted or killed leaves no half folder:' +
        '\nthe next one starts clean. Pickles (.ckpt, .pt) are refused, as reading them can run code.' +
        '\n\nExamples:' +
        '\n  pleinair convert dreamscape.safetensors dreamscape --dtype f16' +
        '\n  pleinair convert dreamscape.safetensors dreamscape-6-bit --palettize 6',
    )
    .action((from: string, out: string, flags: ConvertFlags) => convert(from, out, flags, terminal));
}

async function convert(from: string, out: string, flags: ConvertFlags, terminal: Terminal): Promise<void> {
  const started = performance.now();
  const progress = new Progress(terminal);
  const summary = await interruptible(terminal.err, async (signal) => {
    const source = await openPlace(from === 'demo' ? modelUrl : from, {
      checkpoint: checkpointChoices(flags),
      signal,
      onDownload: (report) => progress.download(report),
    });
    progress.stop();
    const notes = notesOf(source);
    for (const note of notes) terminal.err.write(`${note}\n`);
    await assertComplete(source);
    const parts = await paletteRules('convert', paletteFlags(flags.palettize), palettizable);
    const minWeights = await leastWeights(undefined, source);
    const here = await stat(from).then(
      () => from,
      () => undefined,
    );
    const sink = await folderSink(out, { replace: flags.force, from: here });
    const dtype = flags.dtype && dtypes[flags.dtype];
    const format = { source, sink, dtype, maxShardBytes: flags.maxShardMb * 1e6, signal };
    if (Object.keys(parts).length === 0) {
      const files = await writeModel({
        ...format,
        onProgress: ({ doneBytes, totalBytes }) =>
          progress.bytes('converting', doneBytes, totalBytes, left(doneBytes, totalBytes)),
      });
      return { notes, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), parts: {} };
    }
    const solver = nodeWorkerSolver();
    try {
      const applied = await palettizeModel({
        ...format,
        parts,
        minWeights,
        solver,
        onProgress: ({ done, total, secondsLeft }) =>
          progress.bytes('palettizing', done, total, secondsLeft === undefined ? undefined : 1000 * secondsLeft),
      });
      const bits = Object.entries(applied).map(([part, { averageBits }]) => [part, { averageBits }]);
      return { notes, parts: Object.fromEntries(bits) as Record<string, { averageBits: number }> };
    } finally {
      await solver.close();
    }
  }).finally(() => progress.stop());

  const seconds = (performance.now() - started) / 1000;
  const lines = [
    out,
    ...Object.entries(summary.parts).map(
      ([part, { averageBits }]) => `${part}: ${averageBits.toFixed(2)} bits on average`,
    ),
    `${summary.bytes === undefined ? '' : `${formatBytes(summary.bytes)} `}in ${formatMs(1000 * seconds)}`,
  ];
  (flags.json ? terminal.err : terminal.out).write(`${lines.join('\n')}\n`);
  if (flags.json) terminal.out.write(`${JSON.stringify({ out, seconds, ...summary })}\n`);

  function left(done: number, total: number): number | undefined {
    const ms = performance.now() - started;
    return done > 0 && ms > 2000 ? (ms / done) * (total - done) : undefined;
  }
}

/** What a single file was taken for, and how that was told. */
function notesOf(source: ModelSource): readonly string[] {
  if (!isCheckpointModel(source)) return [];
  const { kind, unused } = source;
  const rest = unused.length > 0 ? [`${unused.length} tensors are of no part and are left out: ${some(unused)}`] : [];
  return [...kind.reasons, ...rest];
}

function some(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
}

/** Complains about all tensors that a model of its kind has and this one lacks, before anything is written. */
async function assertComplete(source: ModelSource): Promise<void> {
  const model = await describeModel(source).catch((error: unknown) => {
    // A kind of model that this version cannot describe may still be written in another layout.
    if (isPleinairError(error) && error.code === 'config/unknown-architecture') return undefined;
    throw error;
  });
  if (!model) return;
  const missing: string[] = [];
  for (const [part, folder] of Object.entries(model.partFolders)) {
    const { entries } = await openComponent(source, folder);
    const there = (name: string): boolean => entries.has(name) || entries.has(name + indicesSuffix);
    missing.push(...model.tensorsOf(part).flatMap(({ name }) => (there(name) ? [] : [`${folder}: ${name}`])));
  }
  if (missing.length === 0) return;
  throw new WeightError(
    'weights/missing-tensor',
    `convert: expected every tensor of the model, got it without ${missing.length} of them: ${some(missing)}. Download the model again.`,
  );
}

/** Reads what `--palettize` says. */
function paletteFlags(how: string | undefined): PaletteFlags {
  if (how === undefined) return {};
  return /^\d+$|^\w+=\d+(,|$)/.test(how) ? { bits: parseBits(how) } : { recipe: how };
}
