import type { SdFiles } from './model-config.js';

/**
 * The official configuration of Stable Diffusion 1.5 (stable-diffusion-v1-5/stable-diffusion-v1-5), as far as this
 * library reads it. Lets a plan be made with no files at hand.
 */
export const sd15Files: SdFiles = {
  modelIndex: { _class_name: 'StableDiffusionPipeline' },
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
    bos_token_id: 0,
    eos_token_id: 2,
    pad_token_id: 1,
    vocab_size: 49408,
  },
  unet: {
    act_fn: 'silu',
    // Eight heads on every level, by the old misnomer.
    attention_head_dim: 8,
    block_out_channels: [320, 640, 1280, 1280],
    cross_attention_dim: 768,
    down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
    flip_sin_to_cos: true,
    freq_shift: 0,
    in_channels: 4,
    layers_per_block: 2,
    norm_eps: 1e-5,
    norm_num_groups: 32,
    out_channels: 4,
    sample_size: 64,
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
  },
  vae: {
    act_fn: 'silu',
    block_out_channels: [128, 256, 512, 512],
    in_channels: 3,
    latent_channels: 4,
    layers_per_block: 2,
    norm_num_groups: 32,
    out_channels: 3,
    sample_size: 512,
    scaling_factor: 0.18215,
  },
  scheduler: {
    _class_name: 'PNDMScheduler',
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    clip_sample: false,
    num_train_timesteps: 1000,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    trained_betas: null,
  },
};

/** Stable Diffusion 1.5 made for inpainting (stable-diffusion-v1-5/stable-diffusion-inpainting): it is shown the mask. */
export const sd15InpaintFiles: SdFiles = {
  ...sd15Files,
  modelIndex: { _class_name: 'StableDiffusionInpaintPipeline' },
  unet: { ...sd15Files.unet, in_channels: 9 },
};

/**
 * The official configuration of Stable Diffusion 2.1 at 768 pixels (stabilityai/stable-diffusion-2-1), as far as this library
 * reads it: OpenCLIP ViT-H but for its last layer, and a UNet that predicts velocity.
 */
export const sd21Files: SdFiles = {
  ...sd15Files,
  textEncoder: {
    ...sd15Files.textEncoder,
    hidden_act: 'gelu',
    hidden_size: 1024,
    intermediate_size: 4096,
    num_attention_heads: 16,
    num_hidden_layers: 23,
    projection_dim: 512,
  },
  unet: {
    ...sd15Files.unet,
    attention_head_dim: [5, 10, 20, 20],
    cross_attention_dim: 1024,
    sample_size: 96,
    use_linear_projection: true,
  },
  vae: { ...sd15Files.vae, sample_size: 768 },
  scheduler: {
    ...sd15Files.scheduler,
    _class_name: 'DDIMScheduler',
    prediction_type: 'v_prediction',
  },
};
