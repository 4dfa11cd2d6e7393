import { PleinairError } from '@pleinair/tensor';

/**
 * Something is wrong with a LoRA or an embedding, or with how it is asked for. Codes:
 *
 * | code | what is wrong |
 * |---|---|
 * | `lora/other-model` | it was made for another kind of model |
 * | `lora/no-match` | none of its keys names a tensor of the model |
 * | `lora/shape` | a factor is of another shape than the model's tensor asks for |
 * | `lora/incomplete` | a factor of a module is missing |
 * | `lora/unsupported` | a kind that is not read, such as DoRA |
 * | `lora/pickle` | a `.pt`, `.bin` or `.ckpt` file |
 * | `lora/not-low-rank` | a kind that can only be merged, over palettized weights |
 * | `lora/palettized` | merging was asked for, and weights are palettized |
 * | `lora/scale` | a scale is no number, or names no LoRA |
 * | `embedding/unknown-form` | the file holds no embedding that is known |
 * | `embedding/other-model` | its vectors are of another width than the model's, or of an encoder that is missing |
 * | `embedding/name` | the name cannot be used in a prompt |
 */
export class AdapterError extends PleinairError {}
