import {
  blendLatents,
  concatChannels,
  guideRescaled,
  modelInput,
  quickPreview,
  solverStep,
  type LatentToRgb,
} from '@pleinair/kernels';
import { Graph, ShapeError, WeightScope, type LowRankLookup, type PaletteLookup, type Tensor } from '@pleinair/tensor';
import type { UNetConfig } from '../unet/config.js';
import { addedEmbedding } from '../unet/time-embedding.js';
import { TimeProjections } from '../unet/time-projections.js';
import { unet } from '../unet/unet.js';

/** Runs once a prompt: cross-attention keys and values, added conditioning. */
export const PROMPT_SEGMENT = 'prompt';
/** Runs once a run, after the prompt: what depends on the timesteps, for all evaluations. */
export const SCHEDULE_SEGMENT = 'schedule';
/** Runs once an evaluation of the model. */
export const STEP_SEGMENT = 'step';

/** Runs when asked: a rough picture of the clean latents that the last evaluation predicted. */
export const PREVIEW_SEGMENT = 'preview';

/** Shape of a denoising run. */
export interface DenoiserShape {
  /** Pictures made side by side. */
  readonly pictures: number;
  /** Latent size, an eighth of the picture's. */
  readonly height: number;
  readonly width: number;
  /** Text tokens: 77 a chunk. */
  readonly tokens: number;
  /** Classifier-free guidance: the UNet sees every picture twice. */
  readonly guided: boolean;
  /**
   * Both halves of a guided pair in one UNet evaluation of twice the batch, or one after the other in half the memory.
   * @defaultValue 'together'
   */
  readonly halves?: 'together' | 'in-turn';
  /** Planes the solver keeps beside the latents. */
  readonly slots: number;
  /** The solver adds noise of its own. */
  readonly drawsNoise: boolean;
  /** Evaluations of the model in a run, at most. */
  readonly evaluations: number;
  readonly dtype: 'f16' | 'f32';
  /** The checkpoint's palettized tensors. */
  readonly palettes?: PaletteLookup;
  /** Side branches beside the checkpoint's tensors. */
  readonly lowRank?: LowRankLookup;
  /** See `GraphOptions.visibleInputs`. @defaultValue false */
  readonly visibleInputs?: boolean;
  /**
   * Records a segment that makes a small picture of the solver's last slot, which must hold the predicted clean latents
   * (`keepDenoised`), by this map.
   */
  readonly preview?: LatentToRgb;
  /** Guidance is brought back to the conditional prediction's spread; for guided runs. */
  readonly rescale?: boolean;
  /** What lies outside a mask is put back after each step. */
  readonly blend?: boolean;
}

/** One evaluation's worth of guidance halves: which rows of the batch it covers and how its inputs are called. */
interface Half {
  readonly suffix: string;
  readonly batch: number;
}

/** What decides the batch of a UNet evaluation. */
export type GuidanceShape = Pick<DenoiserShape, 'pictures' | 'guided' | 'halves'>;

/** The halves of a run: one, or two in turn. Order within a batch is unconditional first, then conditional. */
export function guidanceHalves(shape: GuidanceShape): readonly Half[] {
  const { pictures, guided, halves } = shape;
  if (!guided) return [{ suffix: '', batch: pictures }];
  if (halves !== 'in-turn') return [{ suffix: '', batch: 2 * pictures }];
  return [
    { suffix: '.uncond', batch: pictures },
    { suffix: '.cond', batch: pictures },
  ];
}

/**
 * Records a whole denoising step: model input, UNet, guidance and solver, all on the GPU; and, in segments of their own,
 * what comes before the loop.
 *
 * Inputs per half (suffix empty, or `.uncond` and `.cond` when the halves run in turn):
 * `encoder_hidden_states` `[batch, tokens, crossAttentionDim]`, `text_embeds` f32 `[batch, p]` and `time_ids` f32
 * `[batch, n]` (SDXL). For all halves: `timesteps` f32 `[batch · evaluations, 1]`, every evaluation's for each image of a
 * half, and `evaluation` u32 `[batch]`, the one about to run. State: `planes` f32 `[1 + slots, pictures, h, w, c]`, latents first.
 * `noise` f32 `[pictures, h, w, c]` where the solver draws. `step` f32: input scale, guidance, then the solver's
 * coefficients row by row, then what {@link stepExtras} says. With `preview`, output `preview` u32 `[pictures, h, w]`, RGBA
 * as the decoder's. For UNets that read more channels than they write (inpainting's), `extra` f32
 * `[batch, h, w, rest]`; for those told the guidance scale (`timeCondDim`), `timestep_cond` f32
 * `[batch · evaluations, timeCondDim]`; with `blend`, `original`, `original_noise` and `mask`, f32 `[pictures, h, w, c]`.
 *
 * @param timeIdCount - Size numbers a text: 6, or the refiner's 5.
 * @throws ShapeError `shape/mismatch` for a UNet that reads fewer channels than it writes.
 */
export function denoiserGraph(config: UNetConfig, shape: DenoiserShape, timeIdCount = 6): Graph {
  const { pictures, height, width, slots } = shape;
  const channels = config.outChannels;
  const extraChannels = config.inChannels - channels;
  if (extraChannels < 0) {
    throw new ShapeError(
      'shape/mismatch',
      `denoiser: expected a UNet with at least as many input as output channels, got ${config.inChannels} and ${channels}. ` +
        'Check unet/config.json.',
    );
  }
  const g = new Graph('unet', {
    dtype: shape.dtype,
    palettes: shape.palettes,
    lowRank: shape.lowRank,
    visibleInputs: shape.visibleInputs,
  });
  const scope = new WeightScope(g);
  g.segment(PROMPT_SEGMENT);
  g.segment(SCHEDULE_SEGMENT);
  g.segment(STEP_SEGMENT);
  const planes = g.state('planes', [1 + slots, pictures, height, width, channels], 'f32');
  const latent = [pictures, height, width, channels] as const;
  const step = g.input('step', [stepParameters(slots)], 'f32');
  const noise = shape.drawsNoise ? g.input('noise', latent, 'f32') : undefined;

  const halves = guidanceHalves(shape);
  const { batch: images } = halves[0]!; // the same in each
  const timesteps = g.input('timesteps', [images * shape.evaluations, 1], 'f32');
  const evaluation = g.input('evaluation', [images], 'u32');
  const extra = extraChannels > 0 ? g.input('extra', [images, height, width, extraChannels], 'f32') : undefined;
  const { timeCondDim } = config;
  const guidanceEmbedding = timeCondDim
    ? g.input('timestep_cond', [images * shape.evaluations, timeCondDim], 'f32')
    : undefined;

  const outputs = halves.map(({ suffix, batch }): Tensor => {
    const states = g.input(`encoder_hidden_states${suffix}`, [batch, shape.tokens, config.crossAttentionDim]);
    let added: Tensor | undefined;
    if (config.textTime) {
      const { timeEmbedDim, inputDim } = config.textTime;
      const pooled = g.input(`text_embeds${suffix}`, [batch, inputDim - timeIdCount * timeEmbedDim], 'f32');
      const timeIds = g.input(`time_ids${suffix}`, [batch, timeIdCount], 'f32');
      added = g.within(PROMPT_SEGMENT, () => addedEmbedding(g, scope, config, pooled, timeIds));
    }
    const time = new TimeProjections(g, scope, config, {
      timesteps,
      evaluation,
      guidanceEmbedding,
      batch,
      evaluations: shape.evaluations,
      added,
      segment: SCHEDULE_SEGMENT,
      suffix,
    });
    const shown = modelInput(g, { planes, step, copies: batch / pictures, label: `model_input${suffix}` });
    const sample = extra
      ? concatChannels(g, shown, extra, { outDtype: g.dtype, label: `model_input.extra${suffix}` })
      : shown;
    return unet(g, scope, config, {
      sample, // [batch, h, w, c]
      time,
      context: { states, segment: PROMPT_SEGMENT, suffix },
    });
  });
  const extras = stepExtras(slots);
  if (shape.guided && shape.rescale) {
    const guided = guideRescaled(g, { outputs, step, rescale: extras.rescale, label: 'guidance_rescale' });
    solverStep(g, { planes, step, outputs: [guided], guided: false, noise, label: 'solver_step' });
  } else {
    solverStep(g, { planes, step, outputs, guided: shape.guided, noise, label: 'solver_step' });
  }
  if (shape.blend) {
    const [original, originalNoise, mask] = (['original', 'original_noise', 'mask'] as const).map((name) =>
      g.input(name, latent, 'f32'),
    );
    blendLatents(g, {
      planes,
      step,
      first: extras.kept,
      original: original!,
      noise: originalNoise!,
      mask: mask!,
      label: 'blend',
    });
  }
  const { preview } = shape;
  if (preview) {
    g.segment(PREVIEW_SEGMENT);
    g.output('preview', quickPreview(g, planes, { factors: preview, plane: slots, label: 'preview' }));
  }
  return g;
}

/** Length of the `step` input: input scale, guidance, `[1 + slots][slots + 3]` coefficients, and {@link stepExtras}. */
export function stepParameters(slots: number): number {
  return stepExtras(slots).kept + 2;
}

/** Where in `step` lie how much guidance is rescaled, and the two multiples of what is put back: original, its noise. */
export function stepExtras(slots: number): { readonly rescale: number; readonly kept: number } {
  const rescale = 2 + (1 + slots) * (slots + 3);
  return { rescale, kept: rescale + 1 };
}
