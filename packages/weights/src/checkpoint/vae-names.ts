/** Attention in the middle, under the names of the original, of early diffusers and of diffusers today. */
const attentionNames: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_out: 'to_out.0',
  proj_attn: 'to_out.0',
};

/**
 * A VAE tensor's name in diffusers layout, from its name in the original one; nothing for a name that has no place there.
 *
 * @param name - Without `first_stage_model.`.
 * @param levels - How many levels the VAE has: the original counts the decoder's from the finest one.
 */
export function vaeName(name: string, levels: number): string | undefined {
  if (/^(post_)?quant_conv\.(weight|bias)$/.test(name)) return name;
  const [, half, rest] = /^(encoder|decoder)\.(.+)$/.exec(name) ?? [];
  if (!half || !rest) return undefined;
  if (/^conv_(in|out)\./.test(rest)) return name;
  if (rest.startsWith('norm_out.')) return `${half}.conv_norm_out.${rest.slice('norm_out.'.length)}`;

  const [, middle, inMiddle] = /^mid\.block_([12])\.(.+)$/.exec(rest) ?? [];
  if (middle && inMiddle) return `${half}.mid_block.resnets.${Number(middle) - 1}.${resnet(inMiddle)}`;
  const [, projection, kind] = /^mid\.attn_1\.(\w+)\.(weight|bias)$/.exec(rest) ?? [];
  if (projection && kind) {
    const known = attentionNames[projection];
    return known && `${half}.mid_block.attentions.0.${known}.${kind}`;
  }
  const [, way, level, inner] = /^(down|up)\.(\d+)\.(.+)$/.exec(rest) ?? [];
  if (!way || !level || !inner || (way === 'down') !== (half === 'encoder')) return undefined;
  const block = way === 'down' ? `${half}.down_blocks.${level}` : `${half}.up_blocks.${levels - 1 - Number(level)}`;
  const [, sampler] = /^(?:down|up)sample\.conv\.(weight|bias)$/.exec(inner) ?? [];
  if (sampler) return `${block}.${way}samplers.0.conv.${sampler}`;
  const [, number, inResnet] = /^block\.(\d+)\.(.+)$/.exec(inner) ?? [];
  return number && inResnet && `${block}.resnets.${number}.${resnet(inResnet)}`;
}

function resnet(name: string): string {
  return name.replace(/^nin_shortcut\./, 'conv_shortcut.');
}

/**
 * Today's name of a tensor in a VAE of early diffusers, such as Stable Diffusion 1.5's: its attention had `query`, `key`,
 * `value` and `proj_attn`. Other names are given back as they are.
 */
export function currentVaeName(name: string): string {
  const old = /^((?:en|de)coder\.mid_block\.attentions\.0\.)(query|key|value|proj_attn)\.(weight|bias)$/.exec(name);
  return old ? `${old[1]}${attentionNames[old[2]!]}.${old[3]}` : name;
}
