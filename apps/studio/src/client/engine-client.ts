import { proxy, wrap, type Remote } from 'comlink';
import type { Answer, BonnetEngine } from '../engine/bonnet-protocol.js';
import type {
  AdapterNews,
  Failure,
  PictureOrder,
  PromptTokens,
  RunEnd,
  RunNews,
  StudioEngine,
} from '../engine/protocol.js';
import type { ModelSpot } from '../models/studio-model.js';

/** The page's side of the engine. It starts the worker when it is first needed, and again when it has died. */
export class EngineClient {
  private worker: Worker | undefined;
  private remote: Remote<StudioEngine> | undefined;
  /** Settle what a dead worker will never end. */
  private readonly onDeath = new Set<(why: string) => void>();

  /** @param start - Makes the worker. */
  constructor(private readonly start: () => Worker) {}

  /** Looks for an adapter. */
  findAdapter(): Promise<AdapterNews> {
    return this.engine().findAdapter();
  }

  /** Counts tokens, as {@link StudioEngine.countTokens}. */
  countTokens(model: ModelSpot, prompts: readonly string[]): Promise<readonly PromptTokens[] | undefined> {
    return this.engine().countTokens(model, prompts);
  }

  /** Paints. Ends with `engine/died` where the worker did, and the next call starts another. */
  paint(order: PictureOrder, tell: (news: RunNews) => void): Promise<RunEnd> {
    return this.untilDeath<RunEnd>(this.engine().paint(order, proxy(tell)));
  }

  /** Asks what {@link BonnetEngine} answers. Ends with `engine/died` where the worker did. */
  ask<T>(question: (engine: Remote<BonnetEngine>) => Promise<Answer<T>>): Promise<Answer<T>> {
    return this.untilDeath(question(this.engine()));
  }

  /** Stops the run. */
  async cancel(): Promise<void> {
    await this.remote?.cancel();
  }

  /** Frees the model on the GPU. */
  async release(): Promise<void> {
    await this.remote?.release();
  }

  /** Ends the worker, whatever it does. */
  stop(why: string): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.remote = undefined;
    for (const settle of this.onDeath) settle(why);
    this.onDeath.clear();
  }

  private untilDeath<T>(work: Promise<T>): Promise<T | Failure> {
    let settle: (why: string) => void;
    const died = new Promise<Failure>((resolve) => {
      settle = (message) => resolve({ kind: 'failed', code: 'engine/died', message });
      this.onDeath.add(settle);
    });
    return Promise.race([work, died]).finally(() => this.onDeath.delete(settle));
  }

  private engine(): Remote<StudioEngine> {
    if (this.remote) return this.remote;
    const worker = this.start();
    this.worker = worker;
    worker.addEventListener('error', ({ message }) => {
      if (this.worker === worker) this.stop(message || 'the engine could not be started, or ran out of memory');
    });
    return (this.remote = wrap<StudioEngine>(worker));
  }
}
