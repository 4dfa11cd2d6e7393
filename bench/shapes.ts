import { attend, type AttentionSizes } from './ops/attentions.js';
import { convolution, dualConvolution, ends, resample, type Picture } from './ops/convolutions.js';
import { groupNormSilu, layerNormalisation } from './ops/norms.js';
import type { OpCase } from './ops/op-case.js';
import { feedForward, mlp, projection, square } from './ops/products.js';

/**
 * The shapes that are measured: real ones of SD 1.5 at 512² and SDXL at 1024², one picture of a guided pair. On software
 * adapters, where the full size would take minutes, some are scaled down in space only: `÷4` divides height and width by
 * 4, and so tokens by 16; channels stay.
 */
export const opSuites = ['matmul', 'conv', 'attention', 'norm', 'activation'] as const;
export type OpSuite = (typeof opSuites)[number];

/** The cases of a suite, in the size for the adapter. */
export function opCases(suite: OpSuite, isSoftware: boolean): OpCase[] {
  const size: Sizes = {
    picture(side, divisor) {
      const scaled = isSoftware ? side / divisor : side;
      return [1, scaled, scaled];
    },
    tokens: (side, divisor) => (isSoftware ? side / divisor : side) ** 2,
    note: (divisor) => (isSoftware && divisor > 1 ? `, sides ÷${divisor}` : ''),
  };
  const cases: OpCase[] = [];
  for (const [name, body, divisor = 1] of makers[suite](size)) {
    cases.push({ suite, shape: `${name}, ${body.input.join('×')}${size.note(divisor)}`, ...body });
  }
  return cases;
}

interface Sizes {
  /** A square picture of one image. */
  readonly picture: (side: number, divisor: number) => Picture;
  readonly tokens: (side: number, divisor: number) => number;
  readonly note: (divisor: number) => string;
}

type Entry = readonly [name: string, body: Omit<OpCase, 'suite' | 'shape'>, divisor?: number];

const makers: Readonly<Record<OpSuite, (size: Sizes) => readonly Entry[]>> = {
  matmul: ({ tokens }) => [
    ['square 1024', square(1024)],
    ['sd15 down_blocks.0 attn1.to_q 320', projection(tokens(64, 4), 320), 4],
    ['sdxl down_blocks.1 attn1.to_q 640', projection(tokens(64, 4), 640), 4],
    ['sdxl down_blocks.2 attn1.to_q 1280', projection(tokens(32, 2), 1280), 2],
    ['sdxl down_blocks.2 time_emb_proj 1280', projection(2, 1280)],
  ],
  conv: ({ picture }) => [
    ['sdxl conv_in and conv_out', ends(picture(128, 4), 4, 320), 4],
    ['sdxl down_blocks.0 resnet 320 3×3', convolution(picture(128, 4), 320, 3), 4],
    ['sdxl down_blocks.1 resnet 640 3×3', convolution(picture(64, 4), 640, 3), 4],
    ['sdxl down_blocks.2 resnet 1280 3×3', convolution(picture(32, 4), 1280, 3), 4],
    ['sd15 up_blocks.0 1280+1280 3×3', dualConvolution(picture(8, 1), 1280, 1280, 3)],
    ['sdxl up_blocks.2 shortcut 320+320 1×1', dualConvolution(picture(128, 4), 320, 320, 1), 4],
    ['sdxl down and up 640', resample(picture(64, 4), 640), 4],
    ['vae resnet 128 3×3', convolution(picture(1024, 16), 128, 3), 16],
    ['vae resnet 512 3×3', convolution(picture(128, 8), 512, 3), 8],
  ],
  attention: ({ tokens }) => {
    const self = (side: number, divisor: number, heads: number, headDim: number): AttentionSizes => {
      const n = tokens(side, divisor);
      return { queries: n, keys: n, heads, headDim };
    };
    return [
      ['sdxl self 10 heads of 64', attend(self(64, 2, 10, 64)), 2],
      ['sdxl self 20 heads of 64', attend(self(32, 2, 20, 64)), 2],
      ['sdxl cross 77, 10 of 64', attend({ queries: tokens(64, 2), keys: 77, heads: 10, headDim: 64 }), 2],
      ['sdxl cross 77, 20 of 64', attend({ queries: tokens(32, 1), keys: 77, heads: 20, headDim: 64 })],
      ['sd15 self 8 heads of 40', attend(self(64, 2, 8, 40)), 2],
      ['vae mid 1 head of 512', attend(self(64, 4, 1, 512)), 4],
      ['text causal 12 of 64', attend({ queries: 77, keys: 77, heads: 12, headDim: 64, causal: true })],
    ];
  },
  norm: ({ picture, tokens }) => [
    ['sdxl group norm, SiLU 320', groupNormSilu(picture(128, 2), 320, 1e-5), 2],
    ['sdxl group norm, SiLU 1280', groupNormSilu(picture(32, 1), 1280, 1e-5)],
    ['vae group norm, SiLU 128', groupNormSilu(picture(1024, 8), 128, 1e-6), 8],
    ['sdxl layer norm 640', layerNormalisation(tokens(64, 1), 640)],
    ['sdxl layer norm 1280', layerNormalisation(tokens(32, 1), 1280)],
  ],
  activation: ({ tokens }) => [
    ['sdxl GEGLU and back 640', feedForward(tokens(64, 4), 640), 4],
    ['sdxl GEGLU and back 1280', feedForward(tokens(32, 4), 1280), 4],
    ['text 1 quick GELU 768, 3072', mlp(77, 768, 3072, 'quick_gelu')],
    ['text 2 GELU 1280, 5120', mlp(77, 1280, 5120, 'gelu')],
    ['time SiLU 1280', mlp(2, 1280, 1280, 'silu')],
  ],
};
