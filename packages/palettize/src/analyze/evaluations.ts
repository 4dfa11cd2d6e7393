import { throwIfCancelled } from '@pleinair/tensor';
import { PalettizeError } from '../errors.js';
import type { ProgressMeter } from '../progress.js';
import { LayerStates, type AnalysisEngine, type ModelState } from './engine.js';
import type { EvaluationLog } from './evaluation-log.js';

/** Makes each evaluation of an analysis once, here or in a run before, and counts. */
export class Evaluations {
  /** Evaluations, those found in the log included. */
  evaluations = 0;
  /** One for each prompt of each evaluation. */
  runs = 0;
  private readonly states: LayerStates;

  constructor(
    private readonly engine: AnalysisEngine,
    private readonly log: EvaluationLog,
    private readonly meter: ProgressMeter,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.states = new LayerStates(engine);
  }

  /**
   * PSNR by prompt of a state of the model's layers.
   *
   * @param key - What stands for the state, and the prompts, in the log.
   * @param prompts - As `MeasureOptions.prompts`.
   */
  evaluate(key: string, state: ModelState, prompts?: readonly number[]): Promise<readonly number[]> {
    return this.once(key, async () => {
      await this.states.bring(state, this.signal);
      return this.engine.measure({ prompts, signal: this.signal });
    });
  }

  /** PSNR by prompt of the original weights, f16 against f32. */
  original(): Promise<readonly number[]> {
    return this.once('original', async () => {
      await this.restore();
      return this.engine.measureOriginal({ signal: this.signal });
    });
  }

  /** Counts an evaluation that need not be made. */
  skip(): void {
    this.meter.skip(1);
  }

  /** Gives all layers their original weights. */
  restore(): Promise<void> {
    return this.states.bring(new Map(), this.signal);
  }

  private async once(key: string, measure: () => Promise<readonly number[]>): Promise<readonly number[]> {
    throwIfCancelled(this.signal, 'analysis');
    const known = this.log.get(key);
    const result = known ?? (await measure());
    if (result.length === 0 || !result.every(Number.isFinite)) {
      throw new PalettizeError(
        'palettize/not-finite',
        `${key}: expected a finite PSNR for each prompt, got [${result.join(', ')}]. Measure with psnr(), which ranks broken outputs too.`,
      );
    }
    this.evaluations++;
    this.runs += result.length;
    if (known) {
      this.meter.skip(1);
    } else {
      await this.log.record(key, result);
      this.meter.add(1);
    }
    return result;
  }
}
