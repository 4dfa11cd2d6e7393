/** What becomes of a tensor of a text encoder: another name, perhaps of a part of its rows, perhaps turned. */
export interface TextTensor {
  readonly name: string;
  /** Which third of the rows it is, where queries, keys and values lie in one tensor. */
  readonly third?: 0 | 1 | 2;
  /** Rows and columns change places. */
  readonly transposed?: boolean;
}

/** Names inside a layer of OpenCLIP, and transformers' for the same. */
const layerNames: readonly (readonly [open: string, hf: string])[] = [
  ['ln_1.', 'layer_norm1.'],
  ['ln_2.', 'layer_norm2.'],
  ['mlp.c_fc.', 'mlp.fc1.'],
  ['mlp.c_proj.', 'mlp.fc2.'],
  ['attn.out_proj.', 'self_attn.out_proj.'],
];

/**
 * Names of a tensor of CLIP as transformers keeps it, which is how SD 1.x and SDXL's first encoder are stored in single
 * files too; nothing for what is no weight. Files written by way of some older tools lack `text_model.`.
 *
 * @param name - Without `cond_stage_model.transformer.` or `conditioner.embedders.0.transformer.`.
 */
export function clipTensors(name: string): readonly TextTensor[] {
  if (/(^|\.)position_ids$/.test(name)) return [];
  if (/^(embeddings|encoder|final_layer_norm)\./.test(name)) return [{ name: `text_model.${name}` }];
  return name.startsWith('text_model.') || name === 'text_projection.weight' ? [{ name }] : [];
}

/**
 * Names of a tensor of OpenCLIP in transformers' layout: queries, keys and values are one tensor there, and the projection
 * of the pooled state is stored the other way round. Nothing for what has no place.
 *
 * @param name - Without `cond_stage_model.model.` or `conditioner.embedders.1.model.`.
 * @param layers - How many layers are wanted: SD 2.x takes the last but one and never runs the last.
 * @param projected - Whether the pooled state is wanted.
 */
export function openClipTensors(name: string, layers: number, projected: boolean): readonly TextTensor[] {
  switch (name) {
    case 'token_embedding.weight':
      return [{ name: 'text_model.embeddings.token_embedding.weight' }];
    case 'positional_embedding':
      return [{ name: 'text_model.embeddings.position_embedding.weight' }];
    case 'text_projection':
      return projected ? [{ name: 'text_projection.weight', transposed: true }] : [];
    case 'text_projection.weight': // as a linear layer, by some tools: already the right way round
      return projected ? [{ name }] : [];
    default:
  }
  const [, final] = /^ln_final\.(weight|bias)$/.exec(name) ?? [];
  if (final) return [{ name: `text_model.final_layer_norm.${final}` }];
  const [, number, inner] = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (!number || !inner || Number(number) >= layers) return [];
  const layer = `text_model.encoder.layers.${number}.`;
  const [, kind] = /^attn\.in_proj_(weight|bias)$/.exec(inner) ?? [];
  if (kind) {
    return ([0, 1, 2] as const).map((third) => ({ name: `${layer}self_attn.${'qkv'[third]}_proj.${kind}`, third }));
  }
  const pair = layerNames.find(([start]) => inner.startsWith(start));
  return pair ? [{ name: layer + pair[1] + inner.slice(pair[0].length) }] : [];
}
