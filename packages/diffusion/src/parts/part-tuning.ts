import type { TuneMode, Tuner, Tuning, TuningWork } from '@pleinair/kernels';
import type { PickVariant, PlanOptions } from '@pleinair/tensor';
import type { PartProgress } from './part.js';

/** How parts are tuned once. */
export interface PartTuningUse {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PartProgress) => void;
  /** Told the milliseconds it took, so that they can be counted apart. */
  readonly onTuneTime?: (ms: number) => void;
}

/** Options of {@link PartTuning.tune}. */
export interface PartTuneOptions extends PartTuningUse {
  /** Whether weights may be laid out larger than they are. @defaultValue as the plans' options say */
  readonly transformedWeights?: boolean;
  /** Instead of the tuner's own. */
  readonly mode?: TuneMode;
  /** Time again what is known. */
  readonly again?: boolean;
  readonly onTuning?: NonNullable<Parameters<Tuner['tune']>[1]>['onProgress'];
}

/**
 * The choices a pipeline makes among kernels: those its caller has fixed, then the tuner's. All parts of a pipeline are
 * tuned together, before any of them is loaded: the time goes where most of the work is, and memory holds nothing else.
 */
export class PartTuning {
  private readonly known = new Map<string, PickVariant>();

  /**
   * @param tuner - Without one the heuristics choose.
   * @param plan - Options of every plan; its `pick` comes before the tuner's.
   */
  constructor(
    private readonly tuner: Pick<Tuner, 'mode' | 'tune'> | undefined,
    private readonly plan: PlanOptions = {},
  ) {}

  /**
   * What the tuner chooses for the parts. The first call for a shape tunes; later ones give the same again, so that pictures
   * of one shape come out alike.
   *
   * @param key - Names the shape of all the parts.
   * @throws `CancelledError` `DeviceLostError`
   */
  async choose(
    key: string,
    works: () => readonly TuningWork[],
    use: PartTuningUse & Pick<PartTuneOptions, 'transformedWeights'>,
  ): Promise<ChosenVariants> {
    const known = this.known.get(key);
    if (known) return { pick: known, notes: [] };
    if (!this.tuner || this.tuner.mode === 'off') return { notes: [] };
    const { pick, notes } = await this.tune(key, works(), use);
    return { pick, notes };
  }

  /**
   * Tunes parts as far as asked, whatever is known of the shape; runs of that shape then take these choices.
   *
   * @throws `CancelledError` `DeviceLostError`
   */
  async tune(key: string, works: readonly TuningWork[], options: PartTuneOptions): Promise<Tuning> {
    if (!this.tuner) return { pick: this.plan.pick ?? (() => undefined), shapes: [], ms: 0, notes: [] };
    const { signal, mode, again, transformedWeights, onProgress, onTuning } = options;
    const tuning = await this.tuner.tune(works, {
      mode,
      again,
      signal,
      plan: transformedWeights === undefined ? this.plan : { ...this.plan, transformedWeights },
      onProgress: (progress) => {
        const { part, done, total } = progress;
        onProgress?.({ part, phase: 'tuning', loaded: done, total });
        onTuning?.(progress);
      },
    });
    options.onTuneTime?.(tuning.ms);
    this.known.set(key, tuning.pick);
    return tuning;
  }
}

/** What a tuner chose for parts, and what a user should know about that. */
export interface ChosenVariants {
  /** Absent where heuristics choose. */
  readonly pick?: PickVariant;
  readonly notes: readonly string[];
}
