import { WeightError } from '../errors.js';
import { readTensor } from '../read-tensor.js';
import type { SafetensorsFile } from '../safetensors-file.js';
import type { ReadOptions } from '../source.js';
import { checkpointSections, type CheckpointSections } from './sections.js';

/** Models that come as single files. */
export type CheckpointFamily = 'sd1' | 'sd2' | 'sdxl' | 'sdxl-refiner';

/** What a model's UNet was trained to tell: the noise, or the velocity between noise and picture. */
export type CheckpointPrediction = 'epsilon' | 'v_prediction';

/** What a single-file checkpoint is, and how that was told. */
export interface CheckpointKind {
  readonly family: CheckpointFamily;
  /** By the channels the UNet reads: 4, 9 with a mask and a masked picture, 8 with a picture to edit. */
  readonly task: 'text-to-image' | 'inpaint' | 'edit';
  readonly prediction: CheckpointPrediction;
  /** The noise schedule ends at no signal at all. */
  readonly zeroTerminalSnr: boolean;
  /** The file has moving averages of the UNet's weights too. */
  readonly hasAverages: boolean;
  /** What each of these was told by, in words. */
  readonly reasons: readonly string[];
}

/** What is known better than the file tells. */
export interface KnownKind {
  readonly prediction?: CheckpointPrediction;
}

/** Above this spread of a bias in the UNet's last attention, Stable Diffusion 2 predicts velocity (as ComfyUI found). */
const velocitySpread = 0.09;
const velocityBias = 'output_blocks.11.1.transformer_blocks.0.norm1.bias';

const tasks: Readonly<Record<number, CheckpointKind['task']>> = { 4: 'text-to-image', 8: 'edit', 9: 'inpaint' };

/**
 * Tells what a single-file checkpoint is, by its names and shapes; for what these do not tell, by its metadata and by
 * marks that trainers leave. Reads at most one small tensor.
 *
 * @throws `WeightError` `weights/unknown-checkpoint` saying what the file seems to be instead.
 */
export async function recogniseCheckpoint(
  file: SafetensorsFile,
  known: KnownKind = {},
  options: ReadOptions = {},
): Promise<CheckpointKind> {
  const sections = checkpointSections(file);
  const { unet } = sections;
  const convolution = unet.get('input_blocks.0.0.weight');
  if (!convolution || !unet.has('out.2.weight') || !unet.has('middle_block.1.proj_in.weight')) {
    throw unknown(file, `UNet tensors (model.diffusion_model.input_blocks.0.0.weight …)`, seeming(file));
  }
  const [family, familyReason] = familyOf(file, sections);
  const channels = convolution.shape[1]!;
  const task = tasks[channels];
  if (!task) throw unknown(file, 'a UNet of 4, 8 or 9 input channels', `one of ${channels}`);
  refuseOtherTraining(file);
  const [prediction, predictionReason] = await predictionOf(file, sections, family, task, known, options);
  const zeroTerminalSnr = file.entries.has('ztsnr');
  return {
    family,
    task,
    prediction,
    zeroTerminalSnr,
    hasAverages: sections.unetAverages.size > 0,
    reasons: [
      `${family}: ${familyReason}`,
      `${task}: the UNet reads ${channels} channels`,
      `${prediction}: ${predictionReason}`,
      ...(zeroTerminalSnr ? ['zero terminal SNR: the mark "ztsnr"'] : []),
    ],
  };
}

function familyOf(
  file: SafetensorsFile,
  { unet, text }: CheckpointSections,
): [family: CheckpointFamily, reason: string] {
  const context = contextOf(unet);
  const sized = unet.has('label_emb.0.0.weight');
  const prefixes = text.map(({ prefix }) => prefix);
  const found = (family: CheckpointFamily, mark: string): [CheckpointFamily, string] => {
    if (sized === family.startsWith('sdxl')) return [family, mark];
    throw unknown(
      file,
      `a UNet ${sized ? 'without' : 'with'} label_emb, as text encoders under ${mark} go with`,
      sized ? 'one that has it (a model of another kind, such as unCLIP)' : 'one without it',
    );
  };
  const mark = (start: string): string | undefined => prefixes.find((prefix) => prefix.startsWith(start));
  // Text encoders tell for certain; a UNet that came without any is told by the width it attends to.
  const second = mark('conditioner.embedders.1.');
  if (second) return found('sdxl', second);
  const lone = mark('conditioner.embedders.0.model.');
  if (lone) return found('sdxl-refiner', lone);
  const first = mark('conditioner.embedders.0.transformer.');
  if (first) return found('sdxl', first);
  const open = mark('cond_stage_model.model.');
  if (open) return found('sd2', open);
  const clip = mark('cond_stage_model.transformer.');
  if (clip) return found('sd1', clip);
  const families: Readonly<Record<number, CheckpointFamily>> = {
    768: 'sd1',
    1024: 'sd2',
    1280: 'sdxl-refiner',
    2048: 'sdxl',
  };
  const family = families[context];
  if (family) return found(family, `cross-attention to ${context} channels`);
  throw unknown(file, `cross-attention to ${Object.keys(families).join(', ')} channels`, `${context}`);
}

/** Channels that cross-attention reads. */
function contextOf(unet: CheckpointSections['unet']): number {
  return unet.get('middle_block.1.transformer_blocks.0.attn2.to_k.weight')?.shape[1] ?? 0;
}

/** Models of a known shape that were trained on other noise: with the usual schedules they would give wrong pictures. */
function refuseOtherTraining(file: SafetensorsFile): void {
  const mark = ['edm_mean', 'edm_std', 'edm_vpred.sigma_max'].find((name) => file.entries.has(name));
  if (!mark) return;
  throw unknown(
    file,
    'a model trained on the noise schedules of Stable Diffusion',
    `one of EDM's (its tensor ${mark} says so; Playground 2.5 and CosXL are such)`,
    'This version has no scheduler for it.',
  );
}

async function predictionOf(
  file: SafetensorsFile,
  { unet }: CheckpointSections,
  family: CheckpointFamily,
  task: CheckpointKind['task'],
  known: KnownKind,
  options: ReadOptions,
): Promise<[CheckpointPrediction, string]> {
  if (known.prediction) return [known.prediction, 'as was said'];
  const told = file.metadata['modelspec.prediction_type'];
  if (told === 'v' || told === 'v_prediction') return ['v_prediction', 'the metadata modelspec.prediction_type'];
  if (told === 'epsilon') return ['epsilon', 'the metadata modelspec.prediction_type'];
  if (file.entries.has('v_pred')) return ['v_prediction', 'the mark "v_pred"'];
  if (family !== 'sd2') return ['epsilon', 'what nearly all models of this family predict'];
  if (task !== 'text-to-image') return ['epsilon', `Stable Diffusion 2's ${task} model predicts it`];
  const entry = unet.get(velocityBias);
  if (!entry) return ['epsilon', `no ${velocityBias} to tell by`];
  const spread = deviation((await readTensor(file, entry.name, options)).values);
  const reason = `a guess by the spread of ${velocityBias}, ${spread.toFixed(3)}, which is above ${velocitySpread} in models that predict velocity`;
  return [spread > velocitySpread ? 'v_prediction' : 'epsilon', reason];
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

const seemings: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^lora_(unet|te\d?)_|\.lora_(up|down|A|B)\.|\.hada_w|\.lokr_w/, 'a LoRA, which is applied to a model'],
  [/^control_model\.|^controlnet_/, 'a ControlNet'],
  [/^(emb_params|clip_[lg]|\*)$|^string_to_param/, 'an embedding (textual inversion)'],
  [
    /(^|\.)(joint_blocks|double_blocks|double_stream_blocks|single_blocks)\./,
    'a diffusion transformer (SD 3, Flux and their like)',
  ],
  [/^(encoder|decoder)\.(mid|down|up)/, 'a VAE alone'],
  [
    /^down_blocks\.\d+\.(resnets|attentions)\./,
    'a UNet in diffusers layout, which needs its config.json: name the model folder',
  ],
  [/^text_model\./, 'a text encoder alone'],
  [/^(first_stage_model|vae)\./, 'a VAE alone'],
];

/** What a file without a UNet in it seems to be. */
function seeming(file: SafetensorsFile): string {
  const names = [...file.entries.keys()];
  const seen = seemings.find(([pattern]) => names.some((name) => pattern.test(name)));
  const examples = names.slice(0, 3).join(', ');
  return seen
    ? `what seems to be ${seen[1]}`
    : `${names.length} tensors without (${examples}${names.length > 3 ? ', …' : ''})`;
}

function unknown(
  file: SafetensorsFile,
  expected: string,
  got: string,
  cure = 'Name a checkpoint of Stable Diffusion 1.x, 2.x or XL, or a folder in diffusers layout.',
): WeightError {
  return new WeightError('weights/unknown-checkpoint', `${file.path}: expected ${expected}, got ${got}. ${cure}`);
}
