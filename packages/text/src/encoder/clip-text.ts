import {
  attention,
  embeddingWeight,
  gatherRows,
  injectVectors,
  layerNorm,
  linear,
  linearWeight,
  tokenEmbedding,
} from '@pleinair/kernels';
import {
  Graph,
  plainRows,
  ShapeError,
  WeightScope,
  type LowRankLookup,
  type PaletteLookup,
  type Tensor,
} from '@pleinair/tensor';
import type { TextEncoderConfig } from './config.js';

/** How much of a text encoder to record. */
export interface TextEncoderOptions {
  /** Token sequences encoded side by side: chunks of all prompts. */
  readonly batch: number;
  /** Tokens a sequence; the model's positions (77) unless told. */
  readonly tokens?: number;
  /**
   * Layers left off the end for the hidden states: 1 is `hidden_states[-2]`, what SDXL uses. 0 is the last layer's
   * output, before the final norm.
   */
  readonly skipLayers: number;
  /** Layers left off for a second output, `hidden_states_unskipped`: texts that clip skip does not concern. */
  readonly unskipped?: number;
  /** Pooled, projected output too (SDXL's second encoder). Needs the whole depth. */
  readonly pooled: boolean;
  /** Apply `final_layer_norm` to the hidden states (SD 1.x and 2.x). */
  readonly finalNorm?: boolean;
  readonly dtype: 'f16' | 'f32';
  /** The checkpoint's palettized tensors. */
  readonly palettes?: PaletteLookup;
  /** Side branches beside the checkpoint's tensors. */
  readonly lowRank?: LowRankLookup;
  /** Vectors may stand in place of token embeddings (textual inversion). */
  readonly injects?: boolean;
}

/**
 * Records a CLIP text encoder as a graph with one segment, `encode`.
 *
 * Inputs: `input_ids` u32 `[batch, tokens]`; with `pooled` also `pooled_positions` u32 `[batch]`; with `injects` also
 * `injected_vectors` f32 `[batch, tokens, hiddenSize]` and `injected` u32 `[batch, tokens]`, 1 where they count.
 * Outputs: `hidden_states` `[batch, tokens, hiddenSize]`, and `hidden_states_unskipped` where asked for; with `pooled` also `text_embeds` `[batch, projectionDim]`.
 *
 * Layers that nothing asked for are not recorded, so their weights are not loaded.
 */
export function textEncoderGraph(config: TextEncoderConfig, options: TextEncoderOptions): Graph {
  const { batch, skipLayers, unskipped = skipLayers, pooled, dtype, palettes } = options;
  const tokens = options.tokens ?? config.maxPositions;
  if (tokens > config.maxPositions) {
    throw new ShapeError(
      'shape/too-large',
      `text encoder: expected at most ${config.maxPositions} tokens, got ${tokens}. Split the prompt into chunks.`,
    );
  }
  if (skipLayers < 0 || skipLayers >= config.layers) {
    throw new ShapeError(
      'shape/invalid',
      `text encoder: expected to skip 0 to ${config.layers - 1} layers, got ${skipLayers}. Lower clipSkip.`,
    );
  }
  if (pooled && config.projectionDim === undefined) {
    throw new ShapeError(
      'shape/invalid',
      'text encoder: expected a model with text_projection for pooled output, got one without. Check the model folder.',
    );
  }
  const g = new Graph('text_encoder', { dtype, palettes, lowRank: options.lowRank });
  g.segment('encode');
  const ids = g.input('input_ids', [batch, tokens], 'u32');
  const model = new WeightScope(g, 'text_model');
  const embeddings = model.in('embeddings');
  const { hiddenSize: width } = config;
  const positions = embeddings.in('position_embedding').weight('weight', [config.maxPositions, width], plainRows);
  let hidden = tokenEmbedding(
    g,
    ids,
    embeddingWeight(embeddings.in('token_embedding'), config.vocabSize, width),
    positions,
    { label: embeddings.prefix },
  ); // [batch, tokens, width]
  if (options.injects) {
    const vectors = g.input('injected_vectors', [batch, tokens, width], 'f32');
    const mask = g.input('injected', [batch, tokens], 'u32');
    hidden = injectVectors(g, hidden, { vectors, mask, positions, label: 'injected_vectors' });
  }

  const finalNorm = model.in('final_layer_norm');
  const asked = config.layers - skipLayers;
  const whole = config.layers - unskipped;
  const depth = pooled ? config.layers : Math.max(asked, whole);
  const states = (x: Tensor): Tensor => (options.finalNorm ? norm(g, finalNorm, x, config) : x);
  for (let i = 0; i < depth; i++) {
    hidden = encoderLayer(g, model.in(`encoder.layers.${i}`), hidden, config);
    if (i === asked - 1) g.output('hidden_states', states(hidden));
    if (i === whole - 1 && whole !== asked) g.output('hidden_states_unskipped', states(hidden));
  }
  if (pooled) {
    const ends = g.input('pooled_positions', [batch], 'u32');
    // LayerNorm works row by row, so only the pooled rows need it.
    const rows = gatherRows(g, hidden, ends, { label: 'pooled' }); // [batch, width]
    const projection = new WeightScope(g, 'text_projection');
    const embeds = linear(g, norm(g, finalNorm, rows, config), linearWeight(projection, config.projectionDim!, width), {
      label: projection.prefix,
    });
    g.output('text_embeds', embeds);
  }
  return g;
}

/** transformers' CLIPEncoderLayer: pre-norm causal self-attention and a two-layer perceptron, each added to its input. */
function encoderLayer(g: Graph, scope: WeightScope, x: Tensor, config: TextEncoderConfig): Tensor {
  const { hiddenSize: width, intermediateSize: inner } = config;
  const self = scope.in('self_attn');
  const normed1 = norm(g, scope.in('layer_norm1'), x, config);
  const attended = attention(g, {
    q: dense(g, self.in('q_proj'), normed1, width),
    k: dense(g, self.in('k_proj'), normed1, width),
    v: dense(g, self.in('v_proj'), normed1, width),
    heads: config.heads,
    causal: true,
    label: self.prefix,
  });
  const hidden = dense(g, self.in('out_proj'), attended, width, { residual: x });
  const mlp = scope.in('mlp');
  const normed2 = norm(g, scope.in('layer_norm2'), hidden, config);
  const expanded = dense(g, mlp.in('fc1'), normed2, inner, { activation: config.activation });
  return dense(g, mlp.in('fc2'), expanded, width, { residual: hidden });
}

function dense(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  outChannels: number,
  options: { residual?: Tensor; activation?: 'gelu' | 'quick_gelu' } = {},
): Tensor {
  return linear(g, x, linearWeight(scope, outChannels, x.shape.at(-1)!), {
    bias: scope.weight('bias', [outChannels], plainRows),
    ...options,
    label: scope.prefix,
  });
}

function norm(g: Graph, scope: WeightScope, x: Tensor, config: TextEncoderConfig): Tensor {
  return layerNorm(g, x, {
    gamma: scope.weight('weight', [config.hiddenSize], plainRows),
    beta: scope.weight('bias', [config.hiddenSize], plainRows),
    eps: config.layerNormEps,
    label: scope.prefix,
  });
}
