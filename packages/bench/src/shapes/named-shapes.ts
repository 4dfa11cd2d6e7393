import type { PaletteBits, PaletteForm } from '@pleinair/tensor';
import type { OpSuite } from '../ops/op-case.js';
import type { OpSpec } from '../ops/op-spec.js';

/** The graphs that named shapes are taken from: SD 1.5 at 512², SDXL at 1024², one picture of a guided pair. */
export type ModelGraph = 'sd15 unet' | 'sdxl unet' | 'sdxl vae decoder' | 'sdxl text encoder' | 'sdxl text encoder 2';

/** A shape that a model really has. */
export interface NamedShape {
  readonly suite: OpSuite;
  readonly name: string;
  /** In the model's own size. */
  readonly spec: OpSpec;
  /** By how much sides (or rows) are divided on slow adapters, and on the slowest. */
  readonly divisors: readonly [reduced: number, least: number];
  /** Measured too when time is short: one or two of a suite. */
  readonly quick?: boolean;
  /** How its weights are palettized, if they are. */
  readonly palette?: PaletteForm;
  /** The variant that it is measured in, where it is not the one that is best for it. */
  readonly variant?: string;
  /** The nodes that are so; a test holds the shapes to the graphs. Absent where no model has it. */
  readonly nodes?: readonly { readonly graph: ModelGraph; readonly label: string }[];
}

const unet = (label: string): NamedShape['nodes'] => [{ graph: 'sdxl unet', label }];
const vae = (label: string): NamedShape['nodes'] => [{ graph: 'sdxl vae decoder', label: `decoder.${label}` }];
const block = 'attentions.0.transformer_blocks.0';

const matmul: readonly NamedShape[] = [
  {
    suite: 'matmul',
    name: 'square 1024',
    spec: { op: 'product', rows: { count: 1024 }, channels: 1024 },
    divisors: [1, 16],
    quick: true,
  },
  {
    suite: 'matmul',
    name: 'sd15 down_blocks.0 to_q',
    spec: { op: 'projection', rows: { side: 64 }, channels: 320, bias: false },
    divisors: [4, 4],
    nodes: [{ graph: 'sd15 unet', label: `down_blocks.0.${block}.attn1.to_q` }],
  },
  {
    suite: 'matmul',
    name: 'sdxl down_blocks.1 proj_in',
    spec: { op: 'projection', rows: { side: 64 }, channels: 640, bias: true },
    divisors: [4, 8],
    nodes: unet('down_blocks.1.attentions.0.proj_in'),
  },
  {
    suite: 'matmul',
    name: 'sdxl down_blocks.2 to_q',
    spec: { op: 'projection', rows: { side: 32 }, channels: 1280, bias: false },
    divisors: [2, 8],
    quick: true,
    nodes: unet(`down_blocks.2.${block}.attn1.to_q`),
  },
  {
    suite: 'matmul',
    name: 'sdxl add_embedding, one row',
    spec: { op: 'projection', rows: { count: 1 }, channels: 1280, bias: true },
    divisors: [1, 1],
    nodes: unet('add_embedding.linear_2'),
  },
];

const conv: readonly NamedShape[] = [
  {
    suite: 'conv',
    name: 'sdxl conv_in, conv_out 3×3',
    spec: { op: 'ends', side: 128, few: 4, many: 320 },
    divisors: [4, 8],
    nodes: [...unet('conv_in')!, ...unet('conv_out')!],
  },
  {
    suite: 'conv',
    name: 'sdxl down_blocks.0 resnet 3×3',
    spec: { op: 'convolution', side: 128, channels: 320, kernel: 3 },
    divisors: [4, 16],
    quick: true,
    nodes: unet('down_blocks.0.resnets.0.conv1'),
  },
  {
    suite: 'conv',
    name: 'sdxl down_blocks.1 resnet 3×3',
    spec: { op: 'convolution', side: 64, channels: 640, kernel: 3 },
    divisors: [4, 16],
    nodes: unet('down_blocks.1.resnets.1.conv1'),
  },
  {
    suite: 'conv',
    name: 'sdxl down_blocks.2 resnet 3×3',
    spec: { op: 'convolution', side: 32, channels: 1280, kernel: 3 },
    divisors: [4, 8],
    quick: true,
    nodes: unet('down_blocks.2.resnets.1.conv1'),
  },
  {
    suite: 'conv',
    name: 'sd15 up_blocks.0 resnet 1280+1280 3×3',
    spec: { op: 'dualConvolution', side: 8, channels: 1280, skip: 1280, kernel: 3 },
    divisors: [1, 4],
    nodes: [{ graph: 'sd15 unet', label: 'up_blocks.0.resnets.0.conv1' }],
  },
  {
    suite: 'conv',
    name: 'sdxl up_blocks.2 shortcut 320+320 1×1',
    spec: { op: 'dualConvolution', side: 128, channels: 320, skip: 320, kernel: 1 },
    divisors: [4, 8],
    nodes: unet('up_blocks.2.resnets.1.conv_shortcut'),
  },
  {
    suite: 'conv',
    name: 'sdxl down_blocks.1 down, sd15 up_blocks.2 up',
    spec: { op: 'resample', side: 64, channels: 640 },
    divisors: [4, 16],
    nodes: [
      ...unet('down_blocks.1.downsamplers.0.conv')!,
      { graph: 'sd15 unet', label: 'up_blocks.2.upsamplers.0.conv' },
    ],
  },
  {
    suite: 'conv',
    name: 'vae up_blocks.3 resnet 3×3',
    spec: { op: 'convolution', side: 1024, channels: 128, kernel: 3 },
    divisors: [16, 32],
    nodes: vae('up_blocks.3.resnets.1.conv1'),
  },
  {
    suite: 'conv',
    name: 'vae mid_block resnet 3×3',
    spec: { op: 'convolution', side: 128, channels: 512, kernel: 3 },
    divisors: [8, 16],
    nodes: vae('mid_block.resnets.0.conv1'),
  },
];

const attention: readonly NamedShape[] = [
  {
    suite: 'attention',
    name: 'sdxl down_blocks.1 self, 10 heads of 64',
    spec: { op: 'attention', rows: { side: 64 }, heads: 10, headDim: 64 },
    divisors: [2, 4],
    nodes: unet(`down_blocks.1.${block}.attn1`),
  },
  {
    suite: 'attention',
    name: 'sdxl down_blocks.2 self, 20 heads of 64',
    spec: { op: 'attention', rows: { side: 32 }, heads: 20, headDim: 64 },
    divisors: [2, 4],
    quick: true,
    nodes: unet(`down_blocks.2.${block}.attn1`),
  },
  {
    suite: 'attention',
    name: 'sdxl down_blocks.1 cross 77, 10 heads of 64',
    spec: { op: 'attention', rows: { side: 64 }, keys: 77, heads: 10, headDim: 64 },
    divisors: [2, 4],
    quick: true,
    nodes: unet(`down_blocks.1.${block}.attn2`),
  },
  {
    suite: 'attention',
    name: 'sdxl down_blocks.2 cross 77, 20 heads of 64',
    spec: { op: 'attention', rows: { side: 32 }, keys: 77, heads: 20, headDim: 64 },
    divisors: [1, 2],
    nodes: unet(`down_blocks.2.${block}.attn2`),
  },
  {
    suite: 'attention',
    name: 'sd15 down_blocks.0 self, 8 heads of 40',
    spec: { op: 'attention', rows: { side: 64 }, heads: 8, headDim: 40 },
    divisors: [2, 4],
    nodes: [{ graph: 'sd15 unet', label: `down_blocks.0.${block}.attn1` }],
  },
  {
    suite: 'attention',
    name: 'vae mid_block self, 1 head of 512',
    spec: { op: 'attention', rows: { side: 128 }, heads: 1, headDim: 512 },
    divisors: [8, 8],
    nodes: vae('mid_block.attentions.0'),
  },
  {
    suite: 'attention',
    name: 'text causal, 12 heads of 64',
    spec: { op: 'attention', rows: { count: 77 }, heads: 12, headDim: 64, causal: true },
    divisors: [1, 1],
    nodes: [{ graph: 'sdxl text encoder', label: 'text_model.encoder.layers.0.self_attn' }],
  },
];

const norm: readonly NamedShape[] = [
  {
    suite: 'norm',
    name: 'sdxl down_blocks.1 GroupNorm, SiLU',
    spec: { op: 'groupNormSilu', side: 64, channels: 640, eps: 1e-5 },
    divisors: [1, 2],
    nodes: unet('down_blocks.1.resnets.0.norm2'),
  },
  {
    suite: 'norm',
    name: 'sdxl down_blocks.2 GroupNorm, SiLU',
    spec: { op: 'groupNormSilu', side: 32, channels: 1280, eps: 1e-5 },
    divisors: [1, 2],
    quick: true,
    nodes: unet('down_blocks.2.resnets.0.norm2'),
  },
  {
    suite: 'norm',
    name: 'vae up_blocks.3 GroupNorm, SiLU',
    spec: { op: 'groupNormSilu', side: 1024, channels: 128, eps: 1e-6 },
    divisors: [8, 16],
    nodes: vae('up_blocks.3.resnets.1.norm1'),
  },
  {
    suite: 'norm',
    name: 'sdxl down_blocks.0 GroupNorm, SiLU, resnet 3×3',
    spec: { op: 'normConvolution', side: 128, channels: 320, eps: 1e-5 },
    divisors: [4, 16],
    nodes: [...unet('down_blocks.0.resnets.0.norm1')!, ...unet('down_blocks.0.resnets.0.conv1')!],
  },
  {
    suite: 'norm',
    name: 'sdxl down_blocks.1 LayerNorm',
    spec: { op: 'layerNorm', rows: { side: 64 }, channels: 640 },
    divisors: [1, 2],
    quick: true,
    nodes: unet(`down_blocks.1.${block}.norm1`),
  },
  {
    suite: 'norm',
    name: 'sdxl down_blocks.2 LayerNorm',
    spec: { op: 'layerNorm', rows: { side: 32 }, channels: 1280 },
    divisors: [1, 2],
    nodes: unet(`down_blocks.2.${block}.norm1`),
  },
];

const activation: readonly NamedShape[] = [
  {
    suite: 'activation',
    name: 'sdxl down_blocks.1 feed-forward, GEGLU',
    spec: { op: 'gegluFeedForward', rows: { side: 64 }, channels: 640 },
    divisors: [4, 16],
    quick: true,
    nodes: unet(`down_blocks.1.${block}.ff`),
  },
  {
    suite: 'activation',
    name: 'sdxl down_blocks.2 feed-forward, GEGLU',
    spec: { op: 'gegluFeedForward', rows: { side: 32 }, channels: 1280 },
    divisors: [4, 8],
    nodes: unet(`down_blocks.2.${block}.ff`),
  },
  {
    suite: 'activation',
    name: 'text mlp, quick GELU 3072',
    spec: { op: 'mlp', rows: { count: 77 }, channels: 768, hidden: 3072, activation: 'quick_gelu' },
    divisors: [1, 4],
    nodes: [
      { graph: 'sdxl text encoder', label: 'text_model.encoder.layers.0.mlp.fc1' },
      { graph: 'sdxl text encoder', label: 'text_model.encoder.layers.0.mlp.fc2' },
    ],
  },
  {
    suite: 'activation',
    name: 'text 2 mlp, GELU 5120',
    spec: { op: 'mlp', rows: { count: 77 }, channels: 1280, hidden: 5120, activation: 'gelu' },
    divisors: [1, 8],
    quick: true,
    nodes: [
      { graph: 'sdxl text encoder 2', label: 'text_model.encoder.layers.0.mlp.fc1' },
      { graph: 'sdxl text encoder 2', label: 'text_model.encoder.layers.0.mlp.fc2' },
    ],
  },
  {
    suite: 'activation',
    name: 'sdxl time_embedding of 20 steps, SiLU',
    spec: { op: 'mlp', rows: { count: 20 }, channels: 1280, hidden: 1280, activation: 'silu' },
    divisors: [1, 1],
    // Two products of the second one's size: the first has fewer channels, which would not chain.
    nodes: [...unet('time_embedding.linear_2')!, ...unet('time_embedding.linear_2')!],
  },
];

/**
 * The shapes that are measured: real ones of SD 1.5 at 512² and SDXL at 1024². On slow adapters they are scaled down in
 * space only, by the factors stated: channels, heads and keys of text stay.
 */
export const namedShapes: readonly NamedShape[] = [...matmul, ...conv, ...attention, ...norm, ...activation];

/** A shape that is measured with palettized weights too, of each of these bits. */
interface PalettizedShape {
  readonly name: string;
  readonly bits: readonly PaletteBits[];
  /** Both sides in this one. */
  readonly variant?: string;
}

/** Shapes of SDXL: every width in a product and in a convolution, and both of Winograd's ways to transform packed weights. */
const palettized: readonly PalettizedShape[] = [
  { name: 'sdxl down_blocks.1 proj_in', bits: [4] },
  { name: 'sdxl down_blocks.2 to_q', bits: [4, 6, 8, 3, 2, 1] },
  { name: 'sdxl add_embedding, one row', bits: [4] },
  { name: 'sdxl down_blocks.2 feed-forward, GEGLU', bits: [4] },
  { name: 'sdxl down_blocks.0 resnet 3×3', bits: [4] },
  { name: 'sdxl down_blocks.1 resnet 3×3', bits: [4, 6] },
  { name: 'sdxl down_blocks.2 resnet 3×3', bits: [4, 6, 8, 3, 2, 1] },
  { name: 'sdxl down_blocks.0 resnet 3×3', bits: [4], variant: 'winograd4-sliced' },
  { name: 'sdxl down_blocks.0 resnet 3×3', bits: [4], variant: 'winograd4-loaded' },
];

/** Named shapes again, their weights palettized: timed beside themselves with weights of half floats. Quick ones have 4 bits. */
export const palettizedShapes: readonly NamedShape[] = palettized.flatMap(({ name, bits: widths, variant }) => {
  const shape = namedShapes.find((one) => one.name === name)!;
  return widths.map((bits) => ({
    ...shape,
    suite: 'palettized',
    name: [name, `${bits} bits`, ...(variant === undefined ? [] : [variant])].join(', '),
    palette: { bits },
    variant,
    quick: shape.quick === true && bits === 4 && variant === undefined,
  }));
});
