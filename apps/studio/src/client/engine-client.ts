import { proxy, wrap, type Remote } from 'comlink';
import type { Answer, BonnetEngine } from '../engine/bonnet-protocol.js';
import type { AdapterNews, PictureOrder, PromptTokens, RunEnd, RunNews, StudioEngine } from '../engine/protocol.js';
import type { ModelSpot } from '../models/studio-model.js';
import { Lifeline } from './lifeline.js';

/** The page's side of the engine. It starts the worker when it is first needed, and again when it has died. */
export class EngineClient {
  private worker: Worker | undefined;
  private remote: Remote<StudioEngine> | undefined;
  private readonly lifeline = new Lifeline();

  /** @param start - Makes the worker. */
  constructor(private readonly start: () => Worker) {}

  /** Looks for an adapter. */
  findAdapter(): Promise<AdapterNews> {
    return this.lifeline.hold<AdapterNews>(this.engine().findAdapter());
  }

  /** Counts tokens, as {@link StudioEngine.countTokens}. */
  async countTokens(model: ModelSpot, prompts: readonly string[]): Promise<readonly PromptTokens[] | undefined> {
    const counted = await this.lifeline.hold(this.engine().countTokens(model, prompts));
    return counted && 'kind' in counted ? undefined : counted;
  }

  /** Paints. Ends with `engine/died` where the worker did, and the next call starts another. */
  paint(order: PictureOrder, tell: (news: RunNews) => void): Promise<RunEnd> {
    return this.lifeline.hold<RunEnd>(this.engine().paint(order, proxy(tell)));
  }

  /** Asks what {@link BonnetEngine} answers. Ends with `engine/died` where the worker did. */
  ask<T>(question: (engine: Remote<BonnetEngine>) => Promise<Answer<T>>): Promise<Answer<T>> {
    return this.lifeline.hold(question(this.engine()));
  }

  /** Stops the run. */
  async cancel(): Promise<void> {
    if (this.remote) await this.lifeline.hold(this.remote.cancel());
  }

  /** Forgets a model, as {@link StudioEngine.forget}. A worker that is not there has nothing to forget. */
  async forget(model: ModelSpot): Promise<void> {
    if (this.remote) await this.lifeline.hold(this.remote.forget(model));
  }

  /** Ends the worker, whatever it does. */
  stop(why: string): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.remote = undefined;
    this.lifeline.cut(why);
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
