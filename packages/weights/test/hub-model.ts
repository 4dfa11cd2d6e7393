/** Bytes that differ by seed. */
export function filler(length: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * (31 + seed)) ^ (i >> 8) ^ (i >> 15) ^ seed);
}

const index = {
  _class_name: 'StableDiffusionXLPipeline',
  scheduler: ['diffusers', 'EulerDiscreteScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
  safety_checker: ['stable_diffusion', 'StableDiffusionSafetyChecker'],
  feature_extractor: ['transformers', 'CLIPImageProcessor'],
  image_encoder: [null, null],
  requires_safety_checker: true,
};

/** The files of such a model that are needed, by path. */
export const neededFiles = {
  'model_index.json': JSON.stringify(index),
  'scheduler/scheduler_config.json': '{"a":1}',
  'text_encoder/config.json': '{"b":2}',
  'text_encoder/model.fp16.safetensors': filler(150_000, 1),
  'tokenizer/merges.txt': 'a b\n',
  'tokenizer/special_tokens_map.json': '{}',
  'tokenizer/tokenizer_config.json': '{"c":3}',
  'tokenizer/vocab.json': '{"d":4}',
  'unet/config.json': '{"e":5}',
  'unet/diffusion_pytorch_model.fp16.safetensors': filler(600_000, 2),
  'vae/config.json': '{"f":6}',
  'vae/diffusion_pytorch_model.fp16.safetensors': filler(80_000, 3),
} as const;

/** Files as repositories have them beside those. */
export const otherFiles = {
  '.gitattributes': '*.safetensors filter=lfs',
  'README.md': '# it',
  'feature_extractor/preprocessor_config.json': '{}',
  'safety_checker/model.fp16.safetensors': filler(1000, 4),
  'text_encoder/model.safetensors': filler(300_000, 5),
  'text_encoder/pytorch_model.bin': filler(1000, 6),
  'tokenizer/README.md': 'no',
  'unet/diffusion_pytorch_model.safetensors': filler(1_200_000, 7),
  'unet/diffusion_pytorch_model.bin': filler(1000, 8),
  'unet/openvino_model.bin': filler(1000, 9),
  'vae/diffusion_pytorch_model.safetensors': filler(160_000, 10),
} as const;

/** Bytes of the needed files. */
export const neededBytes = Object.values(neededFiles).reduce((sum, { length }) => sum + length, 0);
