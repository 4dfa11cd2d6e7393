import { DeviceError, type DeviceProfile, type Tensor, type PickVariant } from '@pleinair/tensor';
import { attentionFamily, attentionVariants } from './attention.js';
import type { AttentionFamily, AttentionProblem } from './variant.js';

/** What a person asks of attention: a family, or whatever is fastest. */
export type AttentionChoice = 'auto' | AttentionFamily;

/**
 * A pick that keeps attention to one family of variants and leaves everything else to `inner`. Within the family `inner`
 * chooses if it will, else the family's best guess for the adapter; shapes that no variant of the family can take (flash
 * holds heads up to a width) are `inner`'s as well.
 *
 * @throws DeviceError `device/missing-feature` where the adapter lacks what the whole family needs.
 */
export function forceAttention(choice: AttentionChoice, profile: DeviceProfile, inner?: PickVariant): PickVariant {
  const pass: PickVariant = (shapeKey, variants) => inner?.(shapeKey, variants);
  if (choice === 'auto') return pass;
  expectFamily(choice, profile);
  return (shapeKey, variants) => {
    const family = shapeKey.startsWith('attention') ? variants.filter((name) => attentionFamily(name) === choice) : [];
    if (family.length === 0) return pass(shapeKey, variants);
    // Attention names its variants in the order in which it would take them.
    return pass(shapeKey, family) ?? family[0];
  };
}

/** Heads of 64, as SDXL's are: what a family cannot do of this, it cannot do at all. */
function commonProblem(): AttentionProblem {
  const [batch, heads, headDim, queries, keys] = [1, 2, 64, 256, 256];
  const tensor = (id: number, name: string): Tensor => ({
    id,
    name,
    shape: [batch, keys, heads * headDim],
    dtype: 'f16',
  });
  const [q, k, v, out] = [tensor(0, 'q'), tensor(1, 'k'), tensor(2, 'v'), tensor(3, 'out')];
  return { q, k, v, out, batch, heads, headDim, queries, keys, causal: false, scale: 1 / 8 };
}

function expectFamily(choice: AttentionFamily, profile: DeviceProfile): void {
  const problem = commonProblem();
  const reasons = attentionVariants
    .filter(({ family }) => family === choice)
    .map((variant) => variant.unsupported(problem, profile));
  if (reasons.includes(undefined)) return;
  throw new DeviceError(
    'device/missing-feature',
    `attention: expected an adapter that can do "${choice}", got ${profile.name}: ${[...new Set(reasons)].join('; ')}. ` +
      'Use "auto", or another adapter.',
  );
}
