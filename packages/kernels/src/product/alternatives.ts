import type { Dispatch } from '@pleinair/tensor';
import type { MadeFor } from './variant.js';

/** Ways to do what a product does by other algorithms. */
export interface ProductAlternatives {
  readonly variants: readonly ProductAlternative[];
  /** The one to take where no tuner has run, if any. */
  readonly preferred?: ProductAlternative;
}

/** Another algorithm for a product. */
export interface ProductAlternative {
  /** Its name among the product's variants. */
  readonly name: string;
  readonly madeFor?: MadeFor;
  lower(): readonly Dispatch[];
}
