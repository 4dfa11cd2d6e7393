import { throwIfCancelled } from '@pleinair/tensor';
import { Contest, contestRules, type ContestRules, type TimedVariant } from './contest.js';
import { Outlook, type Trial } from './outlook.js';
import type { TuningExtent, TuningRecord } from './record.js';
import type { TuningSubject } from './subject.js';

/** How much is timed: `quick` within a budget, `full` everything. */
export type TuningEffort = 'quick' | 'full';

/** How far a tuning has come. */
export interface TuningProgress {
  /** The shape at hand, and the part of the model it is of. */
  readonly shape: string;
  readonly part: string;
  /** The variant about to be timed. */
  readonly variant: string;
  /** Of `quick`: milliseconds spent, of the budget. Of `full`: comparisons made, of all. */
  readonly done: number;
  readonly total: number;
  /** Expected milliseconds to go; absent before there is anything to tell them from. */
  readonly leftMs?: number;
}

/** What a tuning needs of the world; tests put in a clock and variants of their own. */
export interface TuningRun {
  readonly effort: TuningEffort;
  /** Milliseconds `quick` may spend, building kernels included. */
  readonly budgetMs: number;
  readonly isSoftware: boolean;
  /** Sets a variant up and runs it warm. */
  readonly open: (subject: TuningSubject, variant: string, readingMs: number) => Promise<TimedVariant>;
  readonly isBuilt: (kernelKey: string) => boolean;
  /** Takes the record of each shape as soon as it is known. */
  readonly onRecord: (record: TuningRecord) => void;
  readonly onProgress?: (progress: TuningProgress) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds since some moment. */
  readonly now: () => number;
  /** Milliseconds since 1970, for records. */
  readonly date: () => number;
}

/** Milliseconds one reading takes at least; shorter ones on real GPUs, whose times scatter less. */
const readingMs = { software: { quick: 6, full: 20 }, device: { quick: 3, full: 10 } };

/**
 * Times variants of shapes and records what is found. Cancelled, it leaves what was found with `onRecord` and throws.
 *
 * @throws `CancelledError` `DeviceLostError`
 */
export async function runTuning(subjects: readonly TuningSubject[], run: TuningRun): Promise<void> {
  await (run.effort === 'quick' ? runQuick(subjects, run) : runFull(subjects, run));
}

/** One subject's contest and what has been tried in it. */
class Tried {
  readonly names = new Set<string>();
  readonly contest: Contest;

  constructor(
    readonly subject: TuningSubject,
    private readonly run: TuningRun,
    rules: ContestRules,
    onOpened: (ms: number, built: number) => void = () => undefined,
  ) {
    const reading = readingMs[run.isSoftware ? 'software' : 'device'][run.effort];
    this.contest = new Contest(
      subject.heuristic,
      async (variant) => {
        throwIfCancelled(run.signal, 'tuning');
        const { kernels = [] } = subject.variants.find(({ name }) => name === variant) ?? {};
        const unbuilt = kernels.filter((key) => !run.isBuilt(key)).length;
        const started = run.now();
        const timed = await run.open(subject, variant, reading);
        onOpened(run.now() - started, unbuilt);
        return timed;
      },
      rules,
    );
  }

  /** The challengers that have not had their turn. */
  get trials(): Trial[] {
    const { subject } = this;
    if (this.contest.isVoid) return [];
    return subject.variants
      .filter(({ name }) => name !== subject.heuristic && !this.names.has(name))
      .map((variant) => ({ subject, variant }));
  }

  async try({ variant }: Trial): Promise<number> {
    const share = await this.contest.challenge(variant.name);
    this.names.add(variant.name);
    return share;
  }

  record(): void {
    const { shape, kernels, heuristic } = this.subject;
    const { contest } = this;
    const extent: TuningExtent = this.names.size === 0 ? 'none' : this.trials.length === 0 ? 'all' : 'some';
    const record = { shape, kernels, heuristic, winner: contest.winner, times: contest.times, extent };
    this.run.onRecord({ ...record, at: this.run.date() });
  }
}

/** Takes the most promising trial again and again until the budget is spent, then notes also what was not reached. */
async function runQuick(subjects: readonly TuningSubject[], run: TuningRun): Promise<void> {
  const started = run.now();
  const outlook = new Outlook({
    isSoftware: run.isSoftware,
    isBuilt: run.isBuilt,
    rounds: contestRules.quick.rounds,
    readingMs: 3 * readingMs[run.isSoftware ? 'software' : 'device'].quick,
  });
  const all = subjects.map(
    (subject) => new Tried(subject, run, contestRules.quick, (ms, built) => outlook.learnOpening(ms, built)),
  );
  const bySubject = new Map(all.map((tried) => [tried.subject, tried]));
  let open: Tried | undefined;
  const leave = async (): Promise<void> => {
    await open?.contest.confirm();
    open?.contest.close();
    open = undefined;
  };
  let whole = false;
  try {
    for (;;) {
      throwIfCancelled(run.signal, 'tuning');
      const spent = run.now() - started;
      const trial = outlook.next(
        all.flatMap((tried) => tried.trials),
        run.budgetMs - spent,
      );
      if (!trial) break;
      const { subject, variant } = trial;
      const tried = bySubject.get(subject)!;
      if (open !== tried) await leave();
      open = tried;
      const { shape, part } = subject;
      run.onProgress?.({ shape, part, variant: variant.name, done: spent, total: run.budgetMs });
      outlook.learnShare(trial, await tried.try(trial));
      const heuristicMs = tried.contest.times[subject.heuristic];
      if (typeof heuristicMs === 'number') outlook.learnTime(shape, heuristicMs);
    }
    await leave();
    whole = true;
  } finally {
    open?.contest.close();
    // Cut short, only what was timed is known: the rest gets its chance another time.
    for (const tried of all) if (whole || tried.names.size > 0) tried.record();
  }
}

/** Every variant of every shape, the largest share of the work first. */
async function runFull(subjects: readonly TuningSubject[], run: TuningRun): Promise<void> {
  const order = [...subjects].sort((a, b) => b.expectedMs - a.expectedMs);
  const total = order.reduce((sum, { variants }) => sum + variants.length - 1, 0);
  const started = run.now();
  let done = 0;
  for (const subject of order) {
    const tried = new Tried(subject, run, contestRules.full);
    const { shape, part } = subject;
    try {
      for (const trial of tried.trials) {
        throwIfCancelled(run.signal, 'tuning');
        const leftMs = done === 0 ? undefined : ((run.now() - started) / done) * (total - done);
        run.onProgress?.({ shape, part, variant: trial.variant.name, done, total, ...(leftMs ? { leftMs } : {}) });
        await tried.try(trial);
        done++;
      }
      await tried.contest.confirm();
      tried.record();
      // Cut short, a shape is not recorded: its other variants would never get their turn.
    } finally {
      tried.contest.close();
    }
  }
}
