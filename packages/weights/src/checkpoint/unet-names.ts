/** Names inside a resnet of the original UNet, and diffusers' for the same. */
const resnetNames: readonly (readonly [ldm: string, diffusers: string])[] = [
  ['in_layers.0.', 'norm1.'],
  ['in_layers.2.', 'conv1.'],
  ['emb_layers.1.', 'time_emb_proj.'],
  ['out_layers.0.', 'norm2.'],
  ['out_layers.3.', 'conv2.'],
  ['skip_connection.', 'conv_shortcut.'],
];

/** What stands outside the blocks. */
const outerNames: readonly (readonly [ldm: string, diffusers: string])[] = [
  ['time_embed.0.', 'time_embedding.linear_1.'],
  ['time_embed.2.', 'time_embedding.linear_2.'],
  ['label_emb.0.0.', 'add_embedding.linear_1.'],
  ['label_emb.0.2.', 'add_embedding.linear_2.'],
  ['input_blocks.0.0.', 'conv_in.'],
  ['out.0.', 'conv_norm_out.'],
  ['out.2.', 'conv_out.'],
];

/**
 * A UNet tensor's name in diffusers layout, from its name in the original one; nothing for a name that has no place there.
 *
 * The original counts blocks through all levels: one for the first convolution, then for each level its resnets (`.0`, with
 * an attention `.1` where it has any) and one for the way down; on the way up a level's last block also holds its
 * upsampler, behind resnet and attention.
 *
 * @param name - Without `model.diffusion_model.`.
 * @param layersPerBlock - Resnets of a level on the way down; there is one more on the way up.
 */
export function unetName(name: string, layersPerBlock: number): string | undefined {
  const outer = replaceStart(name, outerNames);
  if (outer !== undefined) return outer;
  const [, where, number, rest] = /^(input_blocks|output_blocks)\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (where && number && rest) {
    const down = where === 'input_blocks';
    const index = Number(number) - (down ? 1 : 0);
    const [level, layer] = [Math.floor(index / (layersPerBlock + 1)), index % (layersPerBlock + 1)];
    const block = `${down ? 'down_blocks' : 'up_blocks'}.${level}`;
    const [, sampler] = /^(?:0\.op|[12]\.conv)\.(weight|bias)$/.exec(rest) ?? [];
    if (sampler) return `${block}.${down ? 'downsamplers' : 'upsamplers'}.0.conv.${sampler}`;
    return insideBlock(rest, block, layer, layer);
  }
  const [, place, inner] = /^middle_block\.([012])\.(.+)$/.exec(name) ?? [];
  if (!place || !inner) return undefined;
  return insideBlock(`${place === '1' ? 1 : 0}.${inner}`, 'mid_block', Number(place) >> 1, 0);
}

function insideBlock(rest: string, block: string, resnet: number, attention: number): string | undefined {
  const inner = rest.slice(2);
  if (rest.startsWith('0.')) {
    const known = replaceStart(inner, resnetNames);
    return known && `${block}.resnets.${resnet}.${known}`;
  }
  // Transformers are named alike in both.
  if (!rest.startsWith('1.') || !/^(norm|proj_in|proj_out|transformer_blocks)\./.test(inner)) return undefined;
  return `${block}.attentions.${attention}.${inner}`;
}

function replaceStart(name: string, pairs: readonly (readonly [string, string])[]): string | undefined {
  const pair = pairs.find(([start]) => name.startsWith(start));
  return pair && pair[1] + name.slice(pair[0].length);
}
