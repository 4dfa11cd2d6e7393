import type { SdxlFiles } from './model-config.js';

const clipSpecialTokens = { bos_token_id: 0, eos_token_id: 2, pad_token_id: 1, vocab_size: 49408 };

/**
 * The official SDXL base 1.0 configuration (stabilityai/stable-diffusion-xl-base-1.0), as far as this library reads it.
 * Lets a plan be made with no files at hand.
 */
export const sdxlBaseFiles: SdxlFiles = {
  modelIndex: { _class_name: 'StableDiffusionXLPipeline', force_zeros_for_empty_prompt: true },
  textEncoder: {
    architectures: ['CLIPTextModel'],
    hidden_act: 'quick_gelu',
    hidden_size: 768,
    intermediate_size: 3072,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 77,
    num_attention_heads: 12,
    num_hidden_layers: 12,
    projection_dim: 768,
    ...clipSpecialTokens,
  },
  textEncoder2: {
    architectures: ['CLIPTextModelWithProjection'],
    hidden_act: 'gelu',
    hidden_size: 1280,
    intermediate_size: 5120,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 77,
    num_attention_heads: 20,
    num_hidden_layers: 32,
    projection_dim: 1280,
    ...clipSpecialTokens,
  },
  unet: {
    act_fn: 'silu',
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    attention_head_dim: [5, 10, 20],
    block_out_channels: [320, 640, 1280],
    cross_attention_dim: 2048,
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
    flip_sin_to_cos: true,
    freq_shift: 0,
    in_channels: 4,
    layers_per_block: 2,
    norm_eps: 1e-5,
    norm_num_groups: 32,
    out_channels: 4,
    projection_class_embeddings_input_dim: 2816,
    sample_size: 128,
    transformer_layers_per_block: [1, 2, 10],
    up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
    use_linear_projection: true,
  },
  vae: {
    act_fn: 'silu',
    block_out_channels: [128, 256, 512, 512],
    force_upcast: true,
    in_channels: 3,
    latent_channels: 4,
    layers_per_block: 2,
    norm_num_groups: 32,
    out_channels: 3,
    sample_size: 1024,
    scaling_factor: 0.13025,
  },
  scheduler: {
    _class_name: 'EulerDiscreteScheduler',
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    interpolation_type: 'linear',
    num_train_timesteps: 1000,
    prediction_type: 'epsilon',
    sample_max_value: 1,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    timestep_spacing: 'leading',
    trained_betas: null,
    use_karras_sigmas: false,
  },
};

/** The official SDXL refiner 1.0 (stabilityai/stable-diffusion-xl-refiner-1.0), as far as this library reads it. */
export const sdxlRefinerFiles: SdxlFiles = {
  ...sdxlBaseFiles,
  modelIndex: {
    _class_name: 'StableDiffusionXLImg2ImgPipeline',
    force_zeros_for_empty_prompt: false,
    requires_aesthetics_score: true,
    text_encoder: [null, null],
    tokenizer: [null, null],
  },
  textEncoder: undefined,
  unet: {
    ...sdxlBaseFiles.unet,
    attention_head_dim: [6, 12, 24, 24],
    block_out_channels: [384, 768, 1536, 1536],
    cross_attention_dim: 1280,
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
    projection_class_embeddings_input_dim: 2560,
    transformer_layers_per_block: 4,
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  },
};

/** The official SDXL inpainting model (diffusers/stable-diffusion-xl-1.0-inpainting-0.1): SDXL base that is shown the mask. */
export const sdxlInpaintFiles: SdxlFiles = {
  ...sdxlBaseFiles,
  modelIndex: { ...sdxlBaseFiles.modelIndex, _class_name: 'StableDiffusionXLInpaintPipeline' },
  unet: { ...sdxlBaseFiles.unet, in_channels: 9 },
};
