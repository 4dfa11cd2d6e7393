import { stat } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { modelUrl } from '@pleinair/demo-model';
import { nodeWorkerSolver } from '@pleinair/palettize/node';
import { folderSink } from '@pleinair/weights/node';
import { openPlace } from 'pleinair';
import { convertModel } from 'pleinair/models';
import { addCheckpointOptions, checkpointChoices, type CheckpointFlags } from '../checkpoint-options.js';
import { interruptible } from '../interrupt.js';
import { wholeNumber } from '../options.js';
import { paletteRules, parseBits, type PaletteFlags } from '../palette-options.js';
import { Progress } from '../progress.js';
import { formatBytes, formatMs, type Terminal } from '../terminal.js';

interface ConvertFlags extends CheckpointFlags {
  readonly dtype?: 'f16' | 'f32' | 'bf16';
  readonly palettize?: PaletteFlags;
  readonly maxShardMb: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

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
      paletteFlags,
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
    const place = from === 'demo' ? modelUrl : from;
    const how = { checkpoint: checkpointChoices(flags), signal };
    // Downloaded before the output is looked at: what is on the way is kept whatever is wrong there.
    const source = await openPlace(place, { ...how, onDownload: (report) => progress.download(report) });
    progress.stop();
    const here = await stat(from).then(
      () => from,
      () => undefined,
    );
    const solver = nodeWorkerSolver();
    try {
      return await convertModel(source, {
        ...how,
        sink: await folderSink(out, { replace: flags.force, from: here }),
        dtype: flags.dtype,
        maxShardBytes: flags.maxShardMb * 1e6,
        palettize: (folders) => paletteRules('convert', flags.palettize ?? {}, folders),
        solver,
        onNotes: (notes) => notes.forEach((note) => terminal.err.write(`${note}\n`)),
        onProgress: ({ phase, doneBytes, totalBytes, leftMs }) => {
          const what = flags.palettize === undefined ? 'converting' : 'palettizing';
          if (phase === 'writing') progress.bytes(what, doneBytes, totalBytes, leftMs);
        },
      });
    } finally {
      await solver.close();
    }
  }).finally(() => progress.stop());
  const parts = Object.entries(summary.parts).map(([part, { averageBits }]) => [part, { averageBits }] as const);

  const seconds = (performance.now() - started) / 1000;
  const { notes, bytes } = summary;
  const lines = [
    out,
    ...parts.map(([part, { averageBits }]) => `${part}: ${averageBits.toFixed(2)} bits on average`),
    `${bytes === undefined ? '' : `${formatBytes(bytes)} `}in ${formatMs(1000 * seconds)}`,
  ];
  (flags.json ? terminal.err : terminal.out).write(`${lines.join('\n')}\n`);
  if (!flags.json) return;
  terminal.out.write(`${JSON.stringify({ out, seconds, notes, bytes, parts: Object.fromEntries(parts) })}\n`);
}

/** Reads what `--palettize` says. */
function paletteFlags(how: string): PaletteFlags {
  return /^\d+$|^\w+=\d+(,|$)/.test(how) ? { bits: parseBits(how, '--palettize') } : { recipe: how };
}
