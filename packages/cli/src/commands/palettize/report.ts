import { basename, dirname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { heldOutPrompts, modelPath } from '@pleinair/demo-model';
import {
  generalPrompts,
  parseEvaluation,
  recipeSizes,
  type EvaluatedRecipes,
  type RecipeFile,
} from '@pleinair/palettize';
import { calibrationOf, readRecipeFile, type RecipeRead } from '@pleinair/palettize/node';
import { palettizeReport, type SampleRow } from '@pleinair/palettize/report';
import { folderSource } from '@pleinair/weights/node';
import { interruptible } from '../../interrupt.js';
import { wholeNumber } from '../../options.js';
import { outputPlace, replaceFile } from '../../output-file.js';
import { Progress } from '../../progress.js';
import { paintRecipes, type PaintedRecipe } from '../../recipe-pictures.js';
import { formatBytes, type Terminal } from '../../terminal.js';

interface ReportFlags {
  readonly out: string;
  readonly evaluation?: string;
  readonly model?: string;
  readonly prompt: readonly string[];
  readonly pictures: number;
  readonly seed: number;
  readonly steps?: number;
  readonly adapter: 'high-performance' | 'low-power' | 'fallback';
}

/** Prompts that pictures are made of where none are given. */
const fewPrompts = 3;

/** Adds `pleinair palettize report`. */
export function addReport(palettize: Command, terminal: Terminal): void {
  palettize
    .command('report')
    .description('Shows recipes on a page: PSNR against size, bits along the network, pictures, figures.')
    .argument('<recipes...>', 'recipe files of one model; later ones are compared with the first')
    .option('--out <file>', 'the page, one file that needs no other', 'report.html')
    .option(
      '--evaluation <file>',
      'what the recipes reach on prompts that no analysis has seen, as bench records it: shown instead',
    )
    .option('--model <folder>', 'make pictures with this model and the recipes: a folder in diffusers layout, or demo')
    .option(
      '--prompt <text>',
      'what the pictures show; may be repeated (default: a few of our own)',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option('--pictures <n>', 'of how many recipes of each file, from the largest to the smallest', wholeNumber(1), 3)
    .option('--seed <n>', 'of every picture', wholeNumber(0), 0)
    .option('--steps <n>', "denoising steps (default: the model's own)", wholeNumber(1))
    .addOption(
      new Option('--adapter <which>', 'which GPU')
        .choices(['high-performance', 'low-power', 'fallback'])
        .default('high-performance'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  pleinair palettize report published.json fast.json --model demo --out report.html',
    )
    .action((files: readonly string[], flags: ReportFlags) => report(files, flags, terminal));
}

async function report(paths: readonly string[], flags: ReportFlags, terminal: Terminal): Promise<void> {
  const { folder, file } = await outputPlace(flags.out, 1, '.html');
  const out = file ?? join(folder, 'report.html');
  const files: ReportedFile[] = [];
  for (const path of paths) {
    const read = await readRecipeFile(path);
    files.push({ name: basename(path), file: read, ...calibrationOf(path, read) });
  }
  const evaluation = flags.evaluation === undefined ? undefined : await readEvaluation(flags.evaluation);
  // Fails here, before any picture is made, where files do not go together.
  palettizeReport({ files, evaluation });
  const samples = await paint(files, flags, terminal);
  const samplesNote =
    samples.length > 0
      ? 'One seed for every picture of a prompt; only the UNet’s weights differ.'
      : 'None were made: add --model FOLDER to make some.';
  const page = new TextEncoder().encode(palettizeReport({ files, evaluation, samples, samplesNote }));
  await replaceFile(out, page);
  terminal.out.write(`${out}\n${formatBytes(page.length)}\n`);
}

async function readEvaluation(path: string): Promise<EvaluatedRecipes> {
  const full = resolve(path);
  return parseEvaluation(path, await folderSource(dirname(full)).readJson(basename(full)));
}

/** A recipe file of the report, and how to read its calibration, if it has one. */
interface ReportedFile extends Pick<RecipeRead, 'calibration'> {
  readonly name: string;
  readonly file: RecipeFile;
}

async function paint(
  files: readonly ReportedFile[],
  { model: place, prompt, pictures, seed, steps, adapter }: ReportFlags,
  terminal: Terminal,
): Promise<readonly SampleRow[]> {
  if (place === undefined) return [];
  const model = place === 'demo' ? modelPath : place;
  const prompts = prompt.length > 0 ? prompt : await defaultPrompts(model);
  const recipes = files.flatMap((one) => spread(paintable(one), pictures));
  const progress = new Progress(terminal);
  try {
    return await interruptible(terminal.err, (signal) =>
      paintRecipes({ model, recipes, prompts, seed, steps, adapter }, { signal, progress }),
    );
  } finally {
    progress.stop();
  }
}

/** A file's recipes, the largest first. */
function paintable({ file, calibration }: ReportedFile): PaintedRecipe[] {
  const sizes = recipeSizes(file);
  const method = file.analysis?.method ?? 'published';
  return Object.entries(file.recipes)
    .map(([name, recipe]) => {
      const bits = sizes?.averageBits((layer) => recipe[layer]);
      const label = bits === undefined ? name : `${method} ${bits.toFixed(2)} bits`;
      return { label, recipe, group: file.analysis?.group, calibration, bits: bits ?? 16 };
    })
    .sort((a, b) => b.bits - a.bits);
}

/** Some items, evenly from first to last. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  if (count === 1) return [items.at(-1)!];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]!);
}

/** The demo model knows landscapes only. */
async function defaultPrompts(model: string): Promise<readonly string[]> {
  const source = folderSource(model);
  const own = (await source.exists('pleinair.json')) ? await source.readJson('pleinair.json') : undefined;
  const isDemo = (own as { name?: unknown } | undefined)?.name === 'pleinair-demo';
  return (isDemo ? heldOutPrompts.map((one) => one.prompt) : generalPrompts).slice(0, fewPrompts);
}
