import type { DeviceProfile, Kernel } from '@pleinair/tensor';
import { activationText } from '../shader/activation.js';
import { composeKernel } from '../shader/compose.js';
import { partsOf, uniformsOf, type Product } from './parts.js';

/**
 * What kind of adapter a variant was written for; absent: any. Those for `gpus` live by fast workgroup memory and large
 * unrolled blocks: software adapters translate their texts for seconds and run them several times slower.
 */
export type MadeFor = 'gpus' | 'software';

/**
 * The variants that may be the fastest on an adapter: on a software adapter that runs some made for it, none of those made
 * for GPUs. All of them give right results; the others are only not worth a tuner's time.
 */
export function worthTiming<T extends { readonly madeFor?: MadeFor }>(
  supported: readonly T[],
  { isSoftware }: Pick<DeviceProfile, 'isSoftware'>,
): readonly T[] {
  if (!isSoftware || !supported.some(({ madeFor }) => madeFor === 'software')) return supported;
  return supported.filter(({ madeFor }) => madeFor !== 'gpus');
}

/** A way to share a product out over workgroups. */
export interface ProductVariant {
  /** Its name in kernels, plans and the tuner's memory. */
  readonly name: string;
  /** Rows one workgroup computes. */
  rows(profile: DeviceProfile): number;
  /** vec4 columns of the output that one workgroup computes. */
  columns(profile: DeviceProfile): number;
  readonly madeFor?: MadeFor;
  /** Its text can give an epilogue the moments of each workgroup's rows. */
  readonly takesMoments?: boolean;
  /** Why the variant cannot run this product on this adapter; nothing when it can. */
  unsupported(product: Product, profile: DeviceProfile): string | undefined;
  /** The kernel's own text: constants, workgroup variables and `main`. */
  body(product: Product, profile: DeviceProfile): string;
  /** The weight's text for this variant, where it is not `weight.text`. */
  weightText?(product: Product, profile: DeviceProfile): string | undefined;
  /** WGSL extensions it needs; those of the types its text uses for a product come from {@link enablesFor}. */
  readonly enables?: readonly string[];
  /** WGSL extensions that depend on the product, e.g. `f16` where it stages halves. */
  enablesFor?(product: Product, profile: DeviceProfile): readonly string[];
}

/** Workgroups a variant takes for one batch of a product's rows. */
export function workgroupsOf(variant: ProductVariant, { input, epilogue }: Product, profile: DeviceProfile): number {
  return Math.ceil(input.rows / variant.rows(profile)) * Math.ceil(epilogue.columns / 4 / variant.columns(profile));
}

/** What every variant's `main` does first: says which of a batched product's products this workgroup belongs to. */
export function openBatch(product: Product): string {
  return product.batches === undefined ? '' : '  batch = wid.z;';
}

/**
 * WGSL that says which vec4s of a segment a workgroup adds up: from `first_k` to before `end_k`, given `length` and `k0`,
 * the row of K' where the segment starts. Uniform over the workgroup, so that barriers may stand between.
 */
export function segmentRange(product: Product): string {
  if (product.sliceK4 === undefined) return 'let first_k = 0u; let end_k = length;';
  return `let segment = k0 / 4u;
    let first_k = clamp(wid.z * u.slice_k4, segment, segment + length) - segment;
    let end_k = clamp((wid.z + 1u) * u.slice_k4, segment, segment + length) - segment;`;
}

/**
 * The text of a product's weight for workgroups that can keep something of it in their memory, if it has one and there is
 * room beside the `taken` bytes. Kernels made with it call `stage_weight` first.
 */
export function stagedWeight(
  { weight }: Product,
  { limits }: DeviceProfile,
  { threads, taken }: { readonly threads: number; readonly taken: number },
): string | undefined {
  const staged = weight.stagedText?.(threads);
  return staged && taken + staged.bytes <= limits.maxComputeWorkgroupStorageSize ? staged.text : undefined;
}

/** The kernel of a product in a variant. */
export function productKernel(product: Product, variant: ProductVariant, profile: DeviceProfile): Kernel {
  const parts = partsOf(product);
  return composeKernel({
    name: `product/${variant.name}`,
    buffers: parts.flatMap((part) => part.operands.map((o) => o.declaration)),
    uniforms: uniformsOf(product),
    enables: [...(variant.enables ?? []), ...(variant.enablesFor?.(product, profile) ?? [])],
    body: [
      product.batches === undefined ? 'const batch = 0u;' : 'var<private> batch: u32;',
      activationText(parts.flatMap((part) => part.activations ?? [])),
      ...parts.map(
        (part) => (part.kind === 'weight' ? variant.weightText?.(product, profile) : undefined) ?? part.text,
      ),
      variant.body(product, profile),
    ].join('\n'),
  });
}
