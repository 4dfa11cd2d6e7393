import { throwIfCancelled } from '@pleinair/tensor';
import { Contest, contestRules, type ContestRules, type TimedVariant } from './contest.js';
import { kernelHash, type Choices } from './choices.js';
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
  /** Step of the clock that readings are taken with; see `clockStepMs`. */
  readonly clockStepMs: number;
  /** Finds the ways there are to do a shape. */
  readonly choicesOf: (subject: TuningSubject) => Choices;
  /** Sets a variant up and runs it warm. */
  readonly open: (subject: TuningSubject, variant: string, readingMs: number) => Promise<TimedVariant>;
  readonly isBuilt: (kernelKey: string) => boolean;
  /** Takes the record of each shape as soon as it is known. */
  readonly onRecord: (record: TuningRecord) => void;
  /** Called after each shape of a full tuning, which may take hours: what was found can be put in safety. */
  readonly onShapeDone?: () => Promise<void>;
  readonly onProgress?: (progress: TuningProgress) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds since some moment. */
  readonly now: () => number;
  /** Milliseconds since 1970, for records. */
  readonly date: () => number;
}

/** Share of its budget that quick tuning may spend on finding out what there is to choose from. */
const lookingShare = 0.25;

function byExpected(subjects: readonly TuningSubject[]): TuningSubject[] {
  return [...subjects].sort((a, b) => b.expectedMs - a.expectedMs);
}

/** Milliseconds one reading takes at least; shorter ones on real GPUs, whose times scatter less. */
const leastReadingMs = { software: { quick: 6, full: 20 }, device: { quick: 3, full: 10 } };

/** A reading takes at least so many steps of the clock, so that rounding is well below the margin of a win. */
const leastSteps = 50;

function readingMs({ isSoftware, effort, clockStepMs }: TuningRun): number {
  return Math.max(leastReadingMs[isSoftware ? 'software' : 'device'][effort], leastSteps * clockStepMs);
}

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
    readonly choices: Choices,
    private readonly run: TuningRun,
    rules: ContestRules,
    onOpened: (ms: number, built: number) => void = () => undefined,
  ) {
    const reading = readingMs(run);
    this.contest = new Contest(
      choices.heuristic ?? '',
      async (variant) => {
        throwIfCancelled(run.signal, 'tuning');
        const { kernels = [] } = choices.variants.find(({ name }) => name === variant) ?? {};
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
    const { subject, choices } = this;
    const { variants, heuristic } = choices;
    if (heuristic === undefined || this.contest.isVoid) return [];
    return variants
      .filter(({ name }) => name !== heuristic && !this.names.has(name))
      .map((variant) => ({ subject, choices, variant }));
  }

  async try({ variant }: Trial): Promise<number> {
    const share = await this.contest.challenge(variant.name);
    this.names.add(variant.name);
    return share;
  }

  record(): void {
    const { shape, basis } = this.subject;
    const { variants, heuristic } = this.choices;
    const { winner, winnerShare, times } = this.contest;
    const extent: TuningExtent = this.trials.length === 0 ? 'all' : this.names.size === 0 ? 'none' : 'some';
    this.run.onRecord({
      shape,
      basis,
      heuristic,
      ...(winner === heuristic || heuristic === undefined ? {} : { winner, winnerShare }),
      kernels: Object.fromEntries(variants.map((variant) => [variant.name, kernelHash(variant)])),
      times,
      extent,
      at: this.run.date(),
    });
  }
}

/** Notes that a shape's turn did not come. */
function recordUnreached({ shape, basis }: TuningSubject, run: TuningRun): void {
  run.onRecord({ shape, basis, kernels: {}, times: {}, extent: 'none', at: run.date() });
}

/** Takes the most promising trial again and again until the budget is spent, then notes also what was not reached. */
async function runQuick(subjects: readonly TuningSubject[], run: TuningRun): Promise<void> {
  const started = run.now();
  const outlook = new Outlook({
    isSoftware: run.isSoftware,
    isBuilt: run.isBuilt,
    rounds: contestRules.quick.rounds,
    readingMs: 3 * readingMs(run),
  });
  const all: Tried[] = [];
  const unreached: TuningSubject[] = [];
  for (const subject of byExpected(subjects)) {
    throwIfCancelled(run.signal, 'tuning');
    if (run.now() - started > lookingShare * run.budgetMs) unreached.push(subject);
    else {
      const learn = (ms: number, built: number): void => outlook.learnOpening(ms, built);
      all.push(new Tried(subject, run.choicesOf(subject), run, contestRules.quick, learn));
    }
  }
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
      const heuristicMs = tried.contest.times[trial.choices.heuristic!];
      if (typeof heuristicMs === 'number') outlook.learnTime(shape, heuristicMs);
    }
    await leave();
    whole = true;
  } finally {
    open?.contest.close();
    // Cut short, only what was timed is known: the rest gets its chance another time.
    for (const tried of all) if (whole || tried.names.size > 0) tried.record();
    if (whole) for (const subject of unreached) recordUnreached(subject, run);
  }
}

/** Every variant of every shape, the largest share of the work first. */
async function runFull(subjects: readonly TuningSubject[], run: TuningRun): Promise<void> {
  const order = byExpected(subjects).map(
    (subject) => new Tried(subject, run.choicesOf(subject), run, contestRules.full),
  );
  const total = order.reduce((sum, { trials }) => sum + trials.length, 0);
  const started = run.now();
  let done = 0;
  for (const tried of order) {
    const { shape, part } = tried.subject;
    try {
      for (const trial of tried.trials) {
        throwIfCancelled(run.signal, 'tuning');
        const leftMs = done === 0 ? undefined : ((run.now() - started) / done) * (total - done);
        run.onProgress?.({ shape, part, variant: trial.variant.name, done, total, ...(leftMs ? { leftMs } : {}) });
        await tried.try(trial);
        done++;
      }
      await tried.contest.confirm();
    } finally {
      // Cut short, what was found is better than nothing; another full tuning takes such a shape up again.
      if (tried.names.size > 0 || tried.trials.length === 0) tried.record();
      tried.contest.close();
    }
    await run.onShapeDone?.();
  }
}
