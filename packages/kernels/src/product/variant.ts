import type { DeviceProfile, Kernel } from '@pleinair/tensor';
import { activationText } from '../shader/activation.js';
import { composeKernel } from '../shader/compose.js';
import type { Product, ProductPart } from './parts.js';
import { productUniforms } from './parts.js';

/** A way to share a product out over workgroups. */
export interface ProductVariant {
  /** Its name in kernels, plans and the tuner's memory. */
  readonly name: string;
  /** Rows one workgroup computes. */
  rows(profile: DeviceProfile): number;
  /** vec4 columns of the output that one workgroup computes. */
  columns(profile: DeviceProfile): number;
  /** Why the variant cannot run this product on this adapter; nothing when it can. */
  unsupported(product: Product, profile: DeviceProfile): string | undefined;
  /** The kernel's own text: constants, workgroup variables and `main`. */
  body(product: Product, profile: DeviceProfile): string;
  /** WGSL extensions it needs. */
  readonly enables?: readonly string[];
}

/** What every variant's `main` does first: says which of a batched product's products this workgroup belongs to. */
export function openBatch(product: Product): string {
  return product.batches === undefined ? '' : '  batch = wid.z;';
}

/** The kernel of a product in a variant. */
export function productKernel(product: Product, variant: ProductVariant, profile: DeviceProfile): Kernel {
  const parts: readonly ProductPart[] = [product.input, product.weight, product.epilogue];
  return composeKernel({
    name: `product/${variant.name}`,
    buffers: parts.flatMap((part) => part.operands.map((o) => o.declaration)),
    uniforms: Object.assign({}, productUniforms, ...parts.map((part) => part.uniforms)),
    enables: variant.enables ?? [],
    body: [
      product.batches === undefined ? 'const batch = 0u;' : 'var<private> batch: u32;',
      activationText(parts.flatMap((part) => part.activations ?? [])),
      ...parts.map((part) => part.text),
      variant.body(product, profile),
    ].join('\n'),
  });
}
