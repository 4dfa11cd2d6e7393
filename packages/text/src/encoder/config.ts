import { PleinairError } from '@pleinair/tensor';

/** A text encoder's config names something this library does not know. */
export class TextConfigError extends PleinairError {}

/** What `text_encoder/config.json` says of a CLIP text model. Names follow transformers. */
export interface TextEncoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly maxPositions: number;
  readonly layerNormEps: number;
  readonly activation: 'quick_gelu' | 'gelu';
  /** Width of the pooled output; absent where the checkpoint has no `text_projection`. */
  readonly projectionDim?: number;
  /**
   * Where the pooled state is taken. Old configs say 2, which is no real token: then it is the position of the largest id
   * (transformers keeps this for them), otherwise the first position of this id.
   */
  readonly eosTokenId: number;
}

const architectures = ['CLIPTextModel', 'CLIPTextModelWithProjection'];

/** Reads a CLIPTextModel or CLIPTextModelWithProjection config. */
export function readTextEncoderConfig(
  json: Readonly<Record<string, unknown>>,
  file = 'text_encoder/config.json',
): TextEncoderConfig {
  const wrong = (key: string, expected: string): TextConfigError =>
    new TextConfigError(
      'config/unsupported',
      `${file}: expected "${key}" to be ${expected}, got ${JSON.stringify(json[key]) ?? 'nothing'}. ` +
        'Check that the file belongs to a CLIP text encoder in diffusers layout.',
    );
  const size = (key: string, fallback?: number): number => {
    const value = json[key] ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0)
      throw wrong(key, 'a positive whole number');
    return value;
  };
  const named = json['architectures'];
  const architecture = Array.isArray(named) ? String(named[0]) : 'CLIPTextModel';
  if (!architectures.includes(architecture)) throw wrong('architectures', `one of ${architectures.join(', ')}`);
  const activation = json['hidden_act'] ?? 'quick_gelu';
  if (activation !== 'quick_gelu' && activation !== 'gelu') throw wrong('hidden_act', '"quick_gelu" or "gelu"');
  const eps = json['layer_norm_eps'] ?? 1e-5;
  if (typeof eps !== 'number') throw wrong('layer_norm_eps', 'a number');
  const hiddenSize = size('hidden_size', 512);
  const heads = size('num_attention_heads', 8);
  if (hiddenSize % heads !== 0) throw wrong('num_attention_heads', `a divisor of hidden_size ${hiddenSize}`);
  return {
    vocabSize: size('vocab_size', 49408),
    hiddenSize,
    intermediateSize: size('intermediate_size', 2048),
    layers: size('num_hidden_layers', 12),
    heads,
    maxPositions: size('max_position_embeddings', 77),
    layerNormEps: eps,
    activation,
    projectionDim: architecture === 'CLIPTextModelWithProjection' ? size('projection_dim', 512) : undefined,
    eosTokenId: size('eos_token_id', 49407),
  };
}

/** Position whose final state is pooled: see {@link TextEncoderConfig.eosTokenId}. */
export function pooledPosition(config: TextEncoderConfig, ids: ArrayLike<number>): number {
  const all = Array.from(ids);
  if (config.eosTokenId === 2) return all.indexOf(Math.max(...all));
  return Math.max(0, all.indexOf(config.eosTokenId));
}
