import { isPleinairError, throwIfCancelled, type Device, type PlanOptions, type PickVariant } from '@pleinair/tensor';
import { tuningAdapter, type TuningAdapter } from './adapter-key.js';
import { recordKey, type TuningRecord } from './record.js';
import { clockStepMs } from './clock-step.js';
import { choicesOf, kernelHash, type ChoicesOptions } from './choices.js';
import { pickOf, storedRecords } from './stored-records.js';
import { runTuning, type TuningEffort, type TuningProgress, type TuningRun } from './run-tuning.js';
import type { TuningStore } from './store.js';
import { collectSubjects, type TuningSubject, type TuningWork } from './subject.js';
import { openTimedNode } from './timed-node.js';

/**
 * `off`: heuristics only. `known`: stored winners, and nothing is timed. `quick`: stored winners, and timing within a
 * budget. `full`: everything is timed.
 */
export type TuneMode = 'off' | 'known' | TuningEffort;

/** How a {@link Tuner} goes about it. */
export interface TunerOptions {
  /** What is done where {@link TuneOptions.mode} does not say. @defaultValue 'quick' */
  readonly mode?: TuneMode;
  readonly store: TuningStore;
  /** Milliseconds `quick` may spend on the shapes of one call. @defaultValue 2500 */
  readonly budgetMs?: number;
}

/** One call of {@link Tuner.tune}. */
export interface TuneOptions {
  readonly mode?: TuneMode;
  /** Time shapes again that are known already. */
  readonly again?: boolean;
  /** Options the graphs will be planned with. What their `pick` decides is not the tuner's to choose. */
  readonly plan?: PlanOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TuningProgress) => void;
}

/** What is known of one shape after a tuning. */
export interface TunedShape {
  readonly subject: TuningSubject;
  /** Absent where it was never its turn. */
  readonly record?: TuningRecord;
  /** The variant that runs take; absent where it is the heuristic's choice. */
  readonly winner?: string;
  /** True when this call timed it. */
  readonly isNew: boolean;
}

/** The outcome of {@link Tuner.tune}. */
export interface Tuning {
  /** Give it to `planProgram` and `compileProgram` of the same graphs; both then make the same choices. */
  readonly pick: PickVariant;
  /** Largest expected share of the work first. */
  readonly shapes: readonly TunedShape[];
  /** Milliseconds this call took, apart from plans that {@link TuningWork.planWith} made. */
  readonly ms: number;
  /** Things a user should know, e.g. that results could not be kept. */
  readonly notes: readonly string[];
}

/**
 * Finds the fastest variant of each shape in a model's graphs on the adapter at hand, by timing nodes alone, and remembers
 * it. What a graph's nodes are does not matter: whatever asks `pick` is tuned.
 *
 * @example
 * const tuner = new Tuner(device, { store: new MemoryTuningStore() });
 * const { pick } = await tuner.tune([{ part: 'unet', graph, runs: () => 20 }]);
 * const program = await compileProgram(graph, device, { pick });
 */
export class Tuner {
  readonly adapter: TuningAdapter;
  readonly mode: TuneMode;
  private readonly store: TuningStore;
  private readonly budgetMs: number;

  constructor(
    readonly device: Device,
    options: TunerOptions,
  ) {
    this.adapter = tuningAdapter(device);
    this.mode = options.mode ?? 'quick';
    this.store = options.store;
    this.budgetMs = options.budgetMs ?? 2500;
  }

  /**
   * Gives the choices for graphs, timing first what the mode asks for. Deterministic where nothing is timed: what is
   * stored decides, and under `off` the heuristics. A cancelled call keeps what was found.
   *
   * @throws `CancelledError` `DeviceLostError`. A store that fails is reported in {@link Tuning.notes}, and a variant that
   *   fails is not taken.
   */
  async tune(works: readonly TuningWork[], options: TuneOptions = {}): Promise<Tuning> {
    const started = performance.now();
    const { signal, plan } = options;
    const mode = options.mode ?? this.mode;
    throwIfCancelled(signal, 'tuning');
    if (mode === 'off') {
      return { pick: plan?.pick ?? (() => undefined), shapes: [], ms: performance.now() - started, notes: [] };
    }
    const { device } = this;
    const subjects = collectSubjects(works, {
      profile: device.profile,
      expectedMs: (dispatch) => device.pacer.expectedMs(dispatch),
      plan,
    });
    const notes: string[] = [];
    const context: ChoicesOptions = { profile: device.profile, plan };
    const records = await this.load(notes);
    const known = storedRecords(subjects, works, records, context);
    const { stored } = known;
    const found = new Map<string, TuningRecord>();
    const unsaved = new Map<string, TuningRecord>();
    const keep = async (): Promise<void> => {
      await this.save(unsaved, notes);
      unsaved.clear();
    };
    if (mode !== 'known') {
      const wanted = subjects.filter((subject) => {
        const record = stored.get(subject);
        if (options.again || !record) return true;
        return mode === 'full' && !isComplete(record, subject, context);
      });
      try {
        const onRecord = (record: TuningRecord): void => {
          found.set(recordKey(record), record);
          unsaved.set(recordKey(record), record);
        };
        if (wanted.length > 0) await this.time(wanted, mode, options, { onRecord, onShapeDone: keep });
      } finally {
        await keep();
      }
    }
    const shapes = subjects
      .map((subject): TunedShape => {
        const isNew = found.has(recordKey(subject));
        const record = found.get(recordKey(subject)) ?? stored.get(subject);
        return { subject, isNew, record, winner: record?.winner };
      })
      .sort((a, b) => b.subject.expectedMs - a.subject.expectedMs);
    // The very pick that parts were planned with, so that they need not be planned again.
    const pick = found.size === 0 ? known.pick : pickOf(winnersOf(shapes), plan?.pick);
    return { pick, shapes, ms: performance.now() - started - known.planningMs, notes };
  }

  private time(
    subjects: readonly TuningSubject[],
    effort: TuningEffort,
    { signal, onProgress, plan }: TuneOptions,
    found: Pick<TuningRun, 'onRecord' | 'onShapeDone'>,
  ): Promise<void> {
    const { device } = this;
    return runTuning(subjects, {
      effort,
      budgetMs: this.budgetMs,
      isSoftware: device.profile.isSoftware,
      clockStepMs: clockStepMs(),
      choicesOf: (subject) => choicesOf(subject, { profile: device.profile, plan }),
      open: (subject, variant, readingMs) => openTimedNode(device, subject, { variant, readingMs, signal, plan }),
      isBuilt: (key) => device.pipelines.has(key),
      ...found,
      onProgress,
      signal,
      now: () => performance.now(),
      date: () => Date.now(),
    });
  }

  private async load(notes: string[]): Promise<ReadonlyMap<string, TuningRecord>> {
    try {
      return await this.store.load(this.adapter);
    } catch (error) {
      notes.push(noteOf(error));
      return new Map();
    }
  }

  private async save(found: ReadonlyMap<string, TuningRecord>, notes: string[]): Promise<void> {
    if (found.size === 0) return;
    try {
      await this.store.save(this.adapter, found);
    } catch (error) {
      const note = noteOf(error);
      if (!notes.includes(note)) notes.push(note);
    }
  }
}

/** A record of every variant, all with the texts they had. */
function isComplete({ extent, kernels }: TuningRecord, subject: TuningSubject, context: ChoicesOptions): boolean {
  if (extent !== 'all') return false;
  const { variants } = choicesOf(subject, context);
  return variants.every((variant) => kernels[variant.name] === kernelHash(variant));
}

function winnersOf(shapes: readonly TunedShape[]): ReadonlyMap<string, string> {
  return new Map(shapes.flatMap(({ subject, winner }) => (winner === undefined ? [] : [[subject.shape, winner]])));
}

function noteOf(error: unknown): string {
  if (isPleinairError(error)) return error.message;
  throw error;
}
