/**
 * Addresses of the model's files by path, for pages that a bundler makes: each is written as `new URL(…)` with a fixed
 * path, which Vite and webpack follow and ship the file for. Goes to `httpFilesSource()` of `pleinair`. In Node these are
 * `file:` addresses; `modelUrl` serves better there.
 */
export const modelFiles: Readonly<Record<string, URL>> = {
  'model_index.json': new URL('../model/model_index.json', import.meta.url),
  'pleinair.json': new URL('../model/pleinair.json', import.meta.url),
  'scheduler/scheduler_config.json': new URL('../model/scheduler/scheduler_config.json', import.meta.url),
  'text_encoder/config.json': new URL('../model/text_encoder/config.json', import.meta.url),
  'text_encoder/model.safetensors': new URL('../model/text_encoder/model.safetensors', import.meta.url),
  'text_encoder_2/config.json': new URL('../model/text_encoder_2/config.json', import.meta.url),
  'text_encoder_2/model.safetensors': new URL('../model/text_encoder_2/model.safetensors', import.meta.url),
  'tokenizer/merges.txt': new URL('../model/tokenizer/merges.txt', import.meta.url),
  'tokenizer/special_tokens_map.json': new URL('../model/tokenizer/special_tokens_map.json', import.meta.url),
  'tokenizer/tokenizer_config.json': new URL('../model/tokenizer/tokenizer_config.json', import.meta.url),
  'tokenizer/vocab.json': new URL('../model/tokenizer/vocab.json', import.meta.url),
  'tokenizer_2/merges.txt': new URL('../model/tokenizer_2/merges.txt', import.meta.url),
  'tokenizer_2/special_tokens_map.json': new URL('../model/tokenizer_2/special_tokens_map.json', import.meta.url),
  'tokenizer_2/tokenizer_config.json': new URL('../model/tokenizer_2/tokenizer_config.json', import.meta.url),
  'tokenizer_2/vocab.json': new URL('../model/tokenizer_2/vocab.json', import.meta.url),
  'unet/config.json': new URL('../model/unet/config.json', import.meta.url),
  'unet/diffusion_pytorch_model.safetensors': new URL(
    '../model/unet/diffusion_pytorch_model.safetensors',
    import.meta.url,
  ),
  'vae/config.json': new URL('../model/vae/config.json', import.meta.url),
  'vae/diffusion_pytorch_model.safetensors': new URL(
    '../model/vae/diffusion_pytorch_model.safetensors',
    import.meta.url,
  ),
};

/**
 * Addresses of what is palettized of the model, as {@link modelFiles}: put before those, `load([palettized, model])`, they are
 * a whole model.
 */
export const palettizedFiles: Readonly<Record<string, URL>> = {
  'text_encoder/config.json': new URL('../palettized/text_encoder/config.json', import.meta.url),
  'text_encoder/model.safetensors': new URL('../palettized/text_encoder/model.safetensors', import.meta.url),
  'text_encoder_2/config.json': new URL('../palettized/text_encoder_2/config.json', import.meta.url),
  'text_encoder_2/model.safetensors': new URL('../palettized/text_encoder_2/model.safetensors', import.meta.url),
  'unet/config.json': new URL('../palettized/unet/config.json', import.meta.url),
  'unet/diffusion_pytorch_model.safetensors': new URL(
    '../palettized/unet/diffusion_pytorch_model.safetensors',
    import.meta.url,
  ),
};

/**
 * Addresses of the UNet's recipes: recipe files of both methods of `@pleinair/palettize`, without measurements of single
 * layers, and what the recipes reach on prompts that no analysis has seen. The UNet of {@link palettizedFiles} is
 * `recipe_6.50_bit_mixedpalette` of `fast.json`.
 */
export const recipeFiles: Readonly<Record<'fast.json' | 'published.json' | 'evaluation.json', URL>> = {
  'fast.json': new URL('../recipes/fast.json', import.meta.url),
  'published.json': new URL('../recipes/published.json', import.meta.url),
  'evaluation.json': new URL('../recipes/evaluation.json', import.meta.url),
};
