import { describe, expect, it } from 'vitest';
import { sampleLayers } from '../../test/sample-recipe-file.js';
import { blockOf, networkOrder } from './network-order.js';

describe('networkOrder', () => {
  it('is the order in which a UNet runs', () => {
    const ran = [
      'time_embedding.linear_1',
      'time_embedding.linear_2',
      'add_embedding.linear_1',
      'conv_in',
      'down_blocks.0.resnets.0.conv1',
      'down_blocks.0.resnets.0.time_emb_proj',
      'down_blocks.0.resnets.0.conv2',
      'down_blocks.0.resnets.0.conv_shortcut',
      'down_blocks.0.attentions.0.proj_in',
      'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q',
      'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k',
      'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_v',
      'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0',
      'down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q',
      'down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj',
      'down_blocks.0.attentions.0.transformer_blocks.0.ff.net.2',
      'down_blocks.0.attentions.0.transformer_blocks.1.attn1.to_q',
      'down_blocks.0.attentions.0.transformer_blocks.10.attn1.to_q',
      'down_blocks.0.attentions.0.proj_out',
      'down_blocks.0.resnets.1.conv1',
      'down_blocks.0.attentions.1.proj_in',
      'down_blocks.0.downsamplers.0.conv',
      'down_blocks.1.resnets.0.conv1',
      'mid_block.resnets.0.conv1',
      'mid_block.attentions.0.proj_in',
      'mid_block.attentions.0.proj_out',
      'mid_block.resnets.1.conv1',
      'up_blocks.0.resnets.0.conv1',
      'up_blocks.0.upsamplers.0.conv',
      'conv_out',
    ];
    expect(networkOrder(ran.toSorted())).toEqual(ran);
    expect(networkOrder(ran.toReversed())).toEqual(ran);
  });

  it('loses and doubles no layer', () => {
    const layers = sampleLayers().map(({ layer }) => layer);
    expect(networkOrder(layers).sort()).toEqual(layers.toSorted());
  });

  it('keeps the order of names it does not know', () => {
    expect(networkOrder(['layers.b', 'layers.a', 'other'])).toEqual(['layers.b', 'layers.a', 'other']);
  });
});

describe('blockOf', () => {
  it('names blocks', () => {
    const of = [
      'add_embedding.linear_1',
      'conv_in',
      'down_blocks.2.resnets.0.conv1',
      'mid_block.x',
      'conv_out',
      'layers.3.q',
    ];
    expect(of.map(blockOf)).toEqual(['in', 'in', 'down 2', 'mid', 'out', 'layers 3']);
  });
});
