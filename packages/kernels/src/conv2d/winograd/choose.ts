import type { DeviceProfile, LowerContext } from '@pleinair/tensor';
import type { ProductAlternatives } from '../../product/alternatives.js';
import { winogradVariants, type WinogradConv, type WinogradVariant } from './winograd.js';

/** From how many channels, on both sides, and from how many tiles a variant is taken without a tuner. */
interface Threshold {
  readonly name: string;
  readonly channels: number;
  readonly tiles: number;
}

/**
 * On software adapters, the first that fits. Read on lavapipe and SwiftShader over the convolutions of SD 1.5 and SDXL
 * (docs/kernels/conv2d.md): F(4, 3) wins as soon as its products have a few rows; weights transformed in every run must be
 * used by many tiles to be worth it. Google's engine asks for 64 channels and 32 tiles (ml_drift, winograd_util.cc).
 */
const softwareThresholds: readonly Threshold[] = [
  { name: 'winograd4', channels: 64, tiles: 16 },
  { name: 'winograd2', channels: 64, tiles: 16 },
  { name: 'winograd4-sliced', channels: 128, tiles: 64 },
  { name: 'winograd2-sliced', channels: 128, tiles: 128 },
];

/**
 * Winograd's algorithm beside the direct kernel: what a convolution may choose from. Where no tuner has run, it is taken on
 * software adapters only: elsewhere a product is so fast that the transforms' traffic decides, and that must be timed.
 */
export function winogradAlternatives(conv: WinogradConv, context: LowerContext): ProductAlternatives {
  const variants = winogradVariants(conv, context);
  return { variants, preferred: preferredVariant(conv, variants, context.profile) };
}

function preferredVariant(
  { cins, weight }: WinogradConv,
  variants: readonly WinogradVariant[],
  profile: DeviceProfile,
): WinogradVariant | undefined {
  if (!profile.isSoftware) return undefined;
  const channels = Math.min(
    weight.source.shape[0]!,
    cins.reduce((sum, c) => sum + c, 0),
  );
  for (const threshold of softwareThresholds) {
    if (channels < threshold.channels) continue;
    const variant = variants.find(({ name, tiles }) => name === threshold.name && tiles >= threshold.tiles);
    if (variant) return variant;
  }
  return undefined;
}
