import type { CheckpointFamily } from './recognise.js';
import type { TextSection } from './sections.js';
import { headsOf, type JsonObject } from './told-by-shapes.js';

/** Where a text encoder of a single file goes in diffusers layout. */
export interface TextPart {
  readonly folder: 'text_encoder' | 'text_encoder_2';
  readonly section: TextSection;
  /** Layers that are wanted. */
  readonly layers: number;
  /** Whether the pooled state is projected: SDXL's second encoder, the refiner's only one. */
  readonly projected: boolean;
}

/** The text encoders of a checkpoint, as parts. */
export function textParts(family: CheckpointFamily, sections: readonly TextSection[]): readonly TextPart[] {
  return sections.map((section): TextPart => {
    const large = family.startsWith('sdxl');
    const second = large && section.form === 'open-clip';
    return {
      folder: second ? 'text_encoder_2' : 'text_encoder',
      section,
      // Stable Diffusion 2 takes the states before the last layer, which diffusers' layout therefore leaves out.
      layers: layersOf(section) - (family === 'sd2' ? 1 : 0),
      projected: second,
    };
  });
}

/** `config.json` of a text encoder, from its shapes; heads are 64 wide. */
export function textConfig({ folder, section, layers, projected }: TextPart): JsonObject {
  const { tensors, form } = section;
  const shape = (...names: readonly string[]): readonly number[] =>
    names.map((name) => tensors.get(name)?.shape).find((found) => found !== undefined) ?? [0, 0];
  const table = 'embeddings.token_embedding.weight';
  const [vocabulary, width] = shape(`text_model.${table}`, table, 'token_embedding.weight') as [number, number];
  const places = 'embeddings.position_embedding.weight';
  const inner = 'encoder.layers.0.mlp.fc1.weight';
  return {
    architectures: [projected ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'],
    attention_dropout: 0,
    bos_token_id: 0,
    dropout: 0,
    eos_token_id: 2,
    hidden_act: form === 'clip' ? 'quick_gelu' : 'gelu',
    hidden_size: width,
    initializer_factor: 1,
    initializer_range: 0.02,
    intermediate_size: shape(`text_model.${inner}`, inner, 'transformer.resblocks.0.mlp.c_fc.weight')[0],
    layer_norm_eps: 1e-5,
    max_position_embeddings: shape(`text_model.${places}`, places, 'positional_embedding')[0],
    model_type: 'clip_text_model',
    num_attention_heads: headsOf(width, `${folder}/config.json`),
    num_hidden_layers: layers,
    pad_token_id: 1,
    projection_dim: projected ? (shape('text_projection', 'text_projection.weight')[0] ?? width) : width,
    vocab_size: vocabulary,
  };
}

function layersOf({ tensors }: TextSection): number {
  let layers = 0;
  const there = (layer: number): boolean =>
    tensors.has(`text_model.encoder.layers.${layer}.layer_norm1.weight`) ||
    tensors.has(`encoder.layers.${layer}.layer_norm1.weight`) ||
    tensors.has(`transformer.resblocks.${layer}.ln_1.weight`);
  while (there(layers)) layers++;
  return layers;
}
