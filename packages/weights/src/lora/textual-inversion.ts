import { isFloatDtype } from '../safetensors-dtype.js';
import { openSafetensors, type SafetensorsEntry } from '../safetensors-file.js';
import { readTensor } from '../read-tensor.js';
import type { ModelSource, ReadOptions } from '../source.js';
import { AdapterError } from './errors.js';
import { refusePickle } from './open-lora.js';

/** A text encoder of a model and how wide its token embeddings are. */
export interface EncoderWidth {
  /** `text_encoder` or `text_encoder_2`. */
  readonly part: string;
  readonly width: number;
}

/** A textual inversion: vectors that stand for a word, for every text encoder of a model. */
export interface Embedding {
  /** How many vectors, i.e. how many places it takes in a prompt. */
  readonly vectors: number;
  /** By part, `[vectors, width]`. */
  readonly values: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/** Names that files give the vectors of each encoder of a model with two. */
const pairNames: Readonly<Record<string, string>> = { text_encoder: 'clip_l', text_encoder_2: 'clip_g' };

/**
 * Reads a textual inversion: `emb_params` (A1111) or the token itself as the only key (diffusers) for a model with one
 * encoder; `clip_l` and `clip_g` for one with two.
 *
 * @param encoders - The model's, in order.
 * @throws AdapterError `embedding/unknown-form`, `embedding/other-model`, `lora/pickle`; what `openSafetensors` throws.
 */
export async function openEmbedding(
  source: ModelSource,
  path: string,
  encoders: readonly EncoderWidth[],
  options: ReadOptions = {},
): Promise<Embedding> {
  refusePickle(path, 'embedding/unknown-form');
  const file = await openSafetensors(source, path, options);
  const entries = [...file.entries.values()].filter(({ dtype, shape }) => isFloatDtype(dtype) && shape.length <= 2);
  const found = new Map<string, SafetensorsEntry>();
  if (file.entries.has('clip_l') || file.entries.has('clip_g')) {
    for (const { part } of encoders) {
      const entry = file.entries.get(pairNames[part] ?? part);
      if (entry) found.set(part, entry);
    }
  } else {
    const single = file.entries.get('emb_params') ?? (entries.length === 1 ? entries[0] : undefined);
    if (!single) {
      throw new AdapterError(
        'embedding/unknown-form',
        `${path}: expected clip_l and clip_g, emb_params, or one token with its vectors, got ${[...file.entries.keys()].slice(0, 5).join(', ') || 'nothing'}. ` +
          'Check that it is a textual inversion.',
      );
    }
    const [first] = encoders;
    if (first) found.set(first.part, single);
  }
  const widths = encoders.map(({ width }) => width).join(' and ');
  const got = [...file.entries.values()].map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
  const shapes = encoders.map(({ part, width }) => {
    const shape = found.get(part)?.shape;
    return shape && shape.length > 0 && shape.at(-1) === width ? (shape.length === 1 ? 1 : shape[0]!) : undefined;
  });
  const [vectors] = shapes;
  if (vectors === undefined || vectors === 0 || shapes.some((count) => count !== vectors)) {
    throw new AdapterError(
      'embedding/other-model',
      `${path}: expected equally many vectors for each text encoder of the model, ${widths} wide, got ${got}. ` +
        'Use an embedding made for this kind of model: those of Stable Diffusion 1.x and 2.x have one encoder, of SDXL two.',
    );
  }
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const [part, { name }] of found) values.set(part, (await readTensor(file, name, options)).values.slice());
  return { vectors, values };
}
