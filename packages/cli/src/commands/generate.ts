import { join } from 'node:path';
import { Option, type Command } from 'commander';
import {
  encodePng,
  load,
  pictureSettings,
  PleinairError,
  type FilePlace,
  type GenerateResult,
  type LoraPlace,
  type PartProgress,
} from 'pleinair';
import { modelUrl, palettizedModelUrl } from '@pleinair/demo-model';
import { schedulerNames } from '@pleinair/schedulers';
import { embeddingOption, loraOption } from '../adapter-options.js';
import { addCheckpointOptions, checkpointChoices, type CheckpointFlags } from '../checkpoint-options.js';
import { memoryModes, type MemoryMode } from '@pleinair/diffusion';
import { interruptible } from '../interrupt.js';
import { writeLatents } from '../latents-file.js';
import { numberFrom, wholeNumber } from '../options.js';
import { outputPlace, replaceFile, slug, writeNewFile } from '../output-file.js';
import { addPictureOptions, checkPictureFlags, pictureRequest, type PictureFlags } from '../picture-options.js';
import { addScheduleOptions, type ScheduleFlags } from '../schedule-options.js';
import { Progress } from '../progress.js';
import { formatBytes, formatMs, type Terminal } from '../terminal.js';

interface GenerateFlags extends CheckpointFlags, PictureFlags, ScheduleFlags {
  readonly model?: string;
  readonly negative?: string;
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly guidance?: number;
  readonly scheduler?: string;
  readonly seed?: number;
  readonly rng: 'torch' | 'cuda' | 'numpy';
  readonly count: number;
  readonly precision: 'auto' | 'f16' | 'f32';
  readonly adapter: 'high-performance' | 'low-power' | 'fallback';
  readonly memory: MemoryMode | 'auto';
  readonly vae: 'auto' | 'exact' | 'tiled';
  readonly tune: 'off' | 'quick' | 'full';
  readonly attention: 'auto' | 'split' | 'flash' | 'subgroup';
  readonly lora?: readonly LoraPlace[];
  readonly loraMode: 'auto' | 'merge' | 'branch';
  readonly embedding?: Readonly<Record<string, FilePlace>>;
  readonly plainPrompt?: boolean;
  readonly guidanceHalves: 'together' | 'in-turn';
  readonly preview?: string;
  readonly previewEvery?: number;
  readonly previewMode?: 'quick' | 'full';
  readonly out?: string;
  readonly outputType: 'png' | 'latent';
  readonly json?: boolean;
}

/** The palettized UNet and text encoders; everything else from the model as trained. */
const bundledModel = [palettizedModelUrl, modelUrl];

/** Adds `pleinair generate`. */
export function addGenerate(program: Command, terminal: Terminal): void {
  const command = program
    .command('generate')
    .description('Makes pictures from a sentence, or of a picture.')
    .argument('<prompt>', 'what the picture should show; (word:1.3) and [word] weigh words, BREAK begins a new chunk')
    .option(
      '--model <place>',
      'a folder in diffusers layout, a .safetensors checkpoint, a model of the Hugging Face Hub as owner/name[@revision], or an HTTP address (default: the bundled demo model, palettized)',
    )
    .option('--negative <prompt>', 'what it should not show')
    .option('--plain-prompt', 'brackets and all else in prompts are text')
    .option('--lora <file[:scale]>', 'a LoRA, and how strongly it counts (1); repeat it for several', loraOption)
    .addOption(
      new Option(
        '--lora-mode <how>',
        'merge: into weights as they load; branch: beside them; auto: merge, but beside palettized ones',
      )
        .choices(['auto', 'merge', 'branch'])
        .default('auto'),
    )
    .option(
      '--embedding <name=file>',
      'a textual inversion, by NAME in prompts; repeat it for several',
      embeddingOption,
    )
    .option('--width <pixels>', "a multiple of 8 (default: the model's own)", wholeNumber(1))
    .option('--height <pixels>', "a multiple of 8 (default: the model's own)", wholeNumber(1))
    .option('--steps <n>', "denoising steps (default: the model's own)", wholeNumber(1))
    .option(
      '--guidance <scale>',
      "how closely to follow the prompt; 1 or less: not guided (default: the model's own)",
      numberFrom(0),
    )
    .option(
      '--scheduler <name>',
      `${schedulerNames()
        .filter((name) => !name.endsWith('Scheduler'))
        .join(
          ', ',
        )}, AUTOMATIC1111's name ("DPM++ 2M Karras") or a diffusers class: see pleinair schedulers (default: the model's own)`,
    )
    .option('--seed <n>', 'first seed (default: random)', wholeNumber(0))
    .addOption(
      new Option('--rng <kind>', 'whose random numbers the seed means')
        .choices(['torch', 'cuda', 'numpy'])
        .default('torch'),
    )
    .option('--count <n>', 'pictures, with seeds seed, seed + 1, …', wholeNumber(1), 1)
    .addOption(new Option('--precision <dtype>', 'storage on the GPU').choices(['auto', 'f16', 'f32']).default('auto'))
    .addOption(
      new Option('--adapter <which>', 'which GPU')
        .choices(['high-performance', 'low-power', 'fallback'])
        .default('high-performance'),
    )
    .addOption(
      new Option(
        '--memory <mode>',
        'low: parts loaded in turn and freed; balanced: UNet and VAE kept; resident: all kept; auto: by what the adapter allows',
      )
        .choices([...memoryModes, 'auto'])
        .default('auto'),
    )
    .addOption(
      new Option('--vae <how>', 'decode pictures whole, or in bands in bounded memory')
        .choices(['auto', 'exact', 'tiled'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--tune <how>',
        'find the fastest kernels for the adapter: quick takes a few seconds once, full minutes, off none',
      )
        .choices(['off', 'quick', 'full'])
        .default('quick'),
    )
    .addOption(
      new Option('--attention <how>', 'keep attention to one way of computing it, where heads allow')
        .choices(['auto', 'split', 'flash', 'subgroup'])
        .default('auto'),
    )
    .addOption(
      new Option('--guidance-halves <how>', 'a guided pair in one run, or in turn in half the memory')
        .choices(['together', 'in-turn'])
        .default('together'),
    )
    .option('--preview <file>', 'a PNG that shows the picture as it comes, written anew after steps')
    .option('--preview-every <n>', 'show every so many steps, and the last (default: 1)', wholeNumber(1))
    .addOption(
      new Option('--preview-mode <how>', 'quick: small, at next to no cost; full: decoded (default: quick)').choices([
        'quick',
        'full',
      ]),
    )
    .option('--out <path>', 'a file for one picture, else a folder (default: here, named by prompt and seed)')
    .addOption(
      new Option('--output-type <type>', 'latent: a safetensors file').choices(['png', 'latent']).default('png'),
    )
    .option('--json', 'the last line of stdout is one JSON object');
  addPictureOptions(command);
  addScheduleOptions(command);
  addCheckpointOptions(command)
    .addHelpText(
      'after',
      '\nThe time to compile is that of planning and of building pipelines. Mesa, with lavapipe, translates a kernel only' +
        '\nwhen it first runs: there that time counts for the part that runs it, and is gone in the next process.' +
        '\n\nExamples:\n  pleinair generate "a snowy mountain under a full moon" --seed 7 --steps 20' +
        '\n  pleinair generate "the same in autumn" --image mountain.png --strength 0.5' +
        '\n  pleinair generate "a red barn" --image mountain.png --mask barn.png --padding-mask-crop 32',
    )
    .action((prompt: string, flags: GenerateFlags) => generate(prompt, flags, terminal));
}

async function generate(prompt: string, flags: GenerateFlags, terminal: Terminal): Promise<void> {
  const extension = flags.outputType === 'png' ? '.png' : '.safetensors';
  const files = flags.outputType === 'png' ? flags.count : 1;
  const place = await outputPlace(flags.out, files, extension);
  const nameFor = (seed: number): string => place.file ?? join(place.folder, `${slug(prompt)}-${seed}${extension}`);
  if (flags.preview === undefined && (flags.previewMode ?? flags.previewEvery) !== undefined) {
    throw new PleinairError(
      'usage/preview',
      'generate: expected --preview FILE beside --preview-mode and --preview-every, got none. Say where the preview goes.',
    );
  }
  const previewFile = flags.preview === undefined ? undefined : await previewPlace(flags.preview);
  checkPictureFlags(flags);
  const asked = await pictureRequest(flags);
  const paths: string[] = [];
  const progress = new Progress(terminal);
  await interruptible(terminal.err, async (signal) => {
    const onProgress = ({ part, phase, loaded, total }: PartProgress): void => {
      if (phase === 'weights') progress.bytes(part, loaded, total);
      else if (phase === 'tuning') progress.share('tuning', loaded, total);
      else progress.steps(phase === 'kernels' ? `${part} kernels` : part.replace('_', ' '), loaded, total);
    };
    const painter = await load(flags.model ?? bundledModel, {
      precision: flags.precision,
      adapter: flags.adapter,
      memory: flags.memory,
      vae: flags.vae,
      tune: flags.tune,
      attention: flags.attention,
      checkpoint: checkpointChoices(flags),
      refiner: flags.refiner,
      loras: flags.lora,
      loraMode: flags.loraMode,
      embeddings: flags.embedding,
      signal,
      onProgress,
      onDownload: (download) => progress.download(download),
    });
    try {
      const result = await painter.generate({
        prompt,
        ...asked,
        negativePrompt: flags.negative,
        promptSyntax: flags.plainPrompt ? 'plain' : 'weighted',
        width: flags.width,
        height: flags.height,
        steps: flags.steps,
        guidance: flags.guidance,
        scheduler: flags.scheduler,
        eta: flags.eta,
        timesteps: flags.timesteps,
        sigmas: flags.sigmas,
        seed: flags.seed,
        rng: flags.rng,
        count: flags.count,
        guidanceHalves: flags.guidanceHalves,
        output: flags.outputType === 'png' ? 'image' : 'latent',
        signal,
        onProgress,
        preview: previewFile === undefined ? 'off' : (flags.previewMode ?? 'quick'),
        previewEvery: flags.previewEvery ?? 1,
        onStep: async ({ picture, step, steps, stepsPerSecond, preview }) => {
          const label = flags.count > 1 ? `picture ${picture + 1}/${flags.count}` : 'painting';
          progress.steps(label, step, steps, stepsPerSecond);
          if (preview && previewFile !== undefined) await replaceFile(previewFile, encodePng(preview, {}));
        },
        onImage: async (picture, made) => {
          paths.push(await writeNewFile(nameFor(picture.seed), encodePng(picture, pictureSettings(made, picture))));
        },
      });
      progress.stop();
      for (const note of result.notes) progress.note(note);
      if (flags.outputType === 'latent') paths.push(await writeLatents(nameFor(result.seed), result));
      report(terminal, result, paths, painter.adapter, flags);
    } finally {
      painter.dispose();
    }
  }).finally(() => progress.stop());
}

/** Where the preview goes; checked before any work. */
async function previewPlace(path: string): Promise<string> {
  const { folder, file } = await outputPlace(path, 1, '.png', '--preview');
  return file ?? join(folder, 'preview.png');
}

function report(
  terminal: Terminal,
  result: GenerateResult,
  paths: readonly string[],
  adapter: string,
  flags: GenerateFlags,
): void {
  const { timings, memory, stepsPerSecond, pipelines, warnings } = result;
  const lines = [
    ...paths,
    `seed ${result.seed} · ${result.steps} steps · guidance ${result.guidance} · ${result.scheduler} · ${result.width}×${result.height}`,
    `load ${formatMs(timings.loadMs)} · compile ${formatMs(timings.compileMs)} (${pipelines.used} pipelines) · tune ${formatMs(timings.tuneMs)} · text ${formatMs(timings.textMs)} · ${timings.encodeMs > 0 ? `encode ${formatMs(timings.encodeMs)} · ` : ''}denoise ${formatMs(timings.denoiseMs)} ` +
      `(${stepsPerSecond.toFixed(2)} it/s) · ${timings.previewMs > 0 ? `previews ${formatMs(timings.previewMs)} · ` : ''}` +
      `decode ${formatMs(timings.decodeMs)} · total ${formatMs(timings.totalMs)}`,
    `GPU memory: weights ${formatBytes(memory.weightsBytes)}, intermediates ${formatBytes(memory.intermediatesBytes)}, ` +
      `peak ${formatBytes(memory.peakBytes)} (${memory.mode}) · ${adapter}`,
  ];
  (flags.json ? terminal.err : terminal.out).write(`${lines.join('\n')}\n`);
  if (!flags.json) return;
  const images = result.images.map(({ seed, width, height }, i) => ({
    path: paths[Math.min(i, paths.length - 1)],
    seed,
    width,
    height,
  }));
  const { seed, steps } = result;
  terminal.out.write(
    `${JSON.stringify({ images, seed, steps, timings, stepsPerSecond, pipelines, memory, warnings, adapter })}\n`,
  );
}
