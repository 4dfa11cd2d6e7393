import type { Dispatch } from '@pleinair/tensor';

/** Keys of the kernels of dispatches, each once. */
export function kernelsOf(dispatches: readonly Dispatch[]): string[] {
  return [...new Set(dispatches.map(({ kernel }) => kernel.key))];
}
