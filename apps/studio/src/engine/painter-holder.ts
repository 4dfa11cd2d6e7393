import { describeAdapter } from '@pleinair/tensor';
import { load, type Painter } from 'pleinair';
import type { ModelSpot } from '../models/studio-model.js';
import { openSpot, spotKey } from './open-spot.js';
import type { MemoryChoice } from './protocol.js';

/** Keeps the painter of the model that was used last. */
export class PainterHolder {
  private held: { readonly model: string; readonly memory: MemoryChoice; readonly painter: Painter } | undefined;

  /**
   * The model's painter; another one's is freed first, as both may not fit.
   *
   * @throws What `load` throws.
   */
  async get(model: ModelSpot, memory: MemoryChoice, signal: AbortSignal): Promise<Painter> {
    const key = spotKey(model);
    if (this.held?.model === key && this.held.memory === memory) return this.held.painter;
    this.release();
    // The demo model is there to paint at once; timing kernels first pays for models that take minutes. On software it never does.
    const { isSoftware } = (await describeAdapter()).profile;
    const tune = model.kind === 'demo' || isSoftware ? 'off' : 'quick';
    const painter = await load(await openSpot(model, signal), { memory, tune, signal });
    this.held = { model: key, memory, painter };
    return painter;
  }

  /** Frees the GPU of a model, if it is this one. */
  forget(model: ModelSpot): void {
    if (this.held?.model === spotKey(model)) this.release();
  }

  /** Frees the GPU. */
  release(): void {
    this.held?.painter.dispose();
    this.held = undefined;
  }
}
