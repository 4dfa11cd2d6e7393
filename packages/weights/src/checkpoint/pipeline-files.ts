import type { CheckpointFamily, CheckpointKind } from './recognise.js';
import type { JsonObject } from './told-by-shapes.js';

/** The noise all of these models were trained on. */
const schedule = {
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  trained_betas: null,
};

const schedulers: Readonly<Record<CheckpointFamily, JsonObject>> = {
  sd1: {
    _class_name: 'PNDMScheduler',
    clip_sample: false,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    ...schedule,
  },
  sd2: {
    _class_name: 'DDIMScheduler',
    clip_sample: false,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    ...schedule,
  },
  sdxl: {
    _class_name: 'EulerDiscreteScheduler',
    interpolation_type: 'linear',
    sample_max_value: 1,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    timestep_spacing: 'leading',
    use_karras_sigmas: false,
    ...schedule,
  },
  'sdxl-refiner': {
    _class_name: 'EulerDiscreteScheduler',
    interpolation_type: 'linear',
    sample_max_value: 1,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    timestep_spacing: 'leading',
    use_karras_sigmas: false,
    ...schedule,
  },
};

/** `scheduler/scheduler_config.json`: the family's own, for what this checkpoint predicts. */
export function schedulerConfig({ family, prediction, zeroTerminalSnr }: CheckpointKind): JsonObject {
  return {
    ...schedulers[family],
    prediction_type: prediction,
    // A schedule without signal at its end starts there only with these spacings.
    ...(zeroTerminalSnr && { rescale_betas_zero_snr: true, timestep_spacing: 'trailing' }),
  };
}

const classNames: Readonly<Record<'sd' | 'sdxl', Readonly<Record<CheckpointKind['task'], string>>>> = {
  sd: {
    'text-to-image': 'StableDiffusionPipeline',
    inpaint: 'StableDiffusionInpaintPipeline',
    edit: 'StableDiffusionInstructPix2PixPipeline',
  },
  sdxl: {
    'text-to-image': 'StableDiffusionXLPipeline',
    inpaint: 'StableDiffusionXLInpaintPipeline',
    edit: 'StableDiffusionXLInstructPix2PixPipeline',
  },
};

/** `model_index.json`: which parts there are, and the pipeline that runs them. */
export function modelIndex(kind: CheckpointKind): JsonObject {
  const { family, task } = kind;
  const none = [null, null];
  const encoder = ['transformers', 'CLIPTextModel'];
  const projecting = ['transformers', 'CLIPTextModelWithProjection'];
  const tokenizer = ['transformers', 'CLIPTokenizer'];
  const parts = {
    scheduler: ['diffusers', schedulers[family]['_class_name']],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
  };
  if (family === 'sdxl-refiner') {
    return {
      _class_name: 'StableDiffusionXLImg2ImgPipeline',
      force_zeros_for_empty_prompt: false,
      requires_aesthetics_score: true,
      text_encoder: none,
      text_encoder_2: projecting,
      tokenizer: none,
      tokenizer_2: tokenizer,
      ...parts,
    };
  }
  if (family === 'sdxl') {
    return {
      _class_name: classNames.sdxl[task],
      force_zeros_for_empty_prompt: true,
      text_encoder: encoder,
      text_encoder_2: projecting,
      tokenizer,
      tokenizer_2: tokenizer,
      ...parts,
    };
  }
  return {
    _class_name: classNames.sd[task],
    feature_extractor: none,
    requires_safety_checker: false,
    safety_checker: none,
    text_encoder: encoder,
    tokenizer,
    ...parts,
  };
}

/**
 * The small files of a tokenizer's folder: CLIP's, with the token that fills prompts up, which is the end token for CLIP's
 * own encoder and `!` for OpenCLIP's.
 */
export function tokenizerFiles(padded: 'end' | 'exclamation'): Readonly<Record<string, JsonObject>> {
  const token = (content: string) => ({ content, lstrip: false, normalized: true, rstrip: false, single_word: false });
  const end = token('<|endoftext|>');
  const special = {
    bos_token: token('<|startoftext|>'),
    eos_token: end,
    pad_token: padded === 'end' ? '<|endoftext|>' : '!',
    unk_token: end,
  };
  return {
    'special_tokens_map.json': special,
    'tokenizer_config.json': {
      add_prefix_space: false,
      do_lower_case: true,
      errors: 'replace',
      model_max_length: 77,
      tokenizer_class: 'CLIPTokenizer',
      ...special,
    },
  };
}
