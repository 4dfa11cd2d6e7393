import type { PickVariant } from '@pleinair/tensor';
import type { TestContext } from 'vitest';

/**
 * Picks one variant by name wherever it is offered, so that a test of it cannot run another one in its place without
 * anybody noticing.
 */
export class NamedPick {
  private isOffered = false;

  constructor(readonly name: string) {}

  readonly pick: PickVariant = (_key, variants) => {
    const found = variants.find((variant) => variant === this.name);
    if (found !== undefined) this.isOffered = true;
    return found;
  };

  /** Skips the test, saying why, where nothing offered the variant. To be called once the graph is planned. */
  skipUnlessOffered(ctx: TestContext): void {
    if (!this.isOffered) ctx.skip(`${this.name} needs what this adapter has not`);
  }
}
