import { slope, slopeSpread, type ChainTimes } from './statistics.js';

/** A chain of operations, ready to run. */
export interface Chain {
  /** Links in it. */
  readonly length: number;
  /** Resolves when the GPU is done with the whole chain. */
  run(): Promise<void>;
  dispose(): Promise<void>;
}

/** Makes chains of any length, of one engine and one shape. */
export interface Chains {
  readonly name: string;
  build(length: number): Promise<Chain>;
}

/** What one link takes. */
export interface LinkTime {
  readonly ms: number;
  /**
   * Processor time of the whole process: on software adapters what the work cost, however busy the machine was. Only in
   * Node.
   */
  readonly cpuMs?: number;
  /** How far the rounds disagree, relative to the time; see {@link slopeSpread}. */
  readonly spread: number;
  /** Lengths of the two chains. */
  readonly lengths: readonly [number, number];
  readonly rounds: number;
}

/** How carefully to measure. */
export interface Care {
  /** Runs of each chain that count. */
  readonly rounds: number;
  /** Once this much time went into a shape, three rounds are enough. */
  readonly budgetMs: number;
  /** How much longer the long chain should take than the short one. */
  readonly spanMs: number;
}

/** Lengths are even, so that links may come in pairs with weights of their own. */
const shortLength = 2;
const mostLinks = 130;
const mostWarmUps = 12;
/** Chains that take so long need no further warming up: what it changes is small beside them. */
const slowMs = 1000;

/**
 * How long the long chain must be for the slope to stand out.
 *
 * @param shortMs - Time of the short chain, whose fixed costs make the links look dearer than they are: so the answer may
 *   be too short by their share, never too long.
 */
export function longLength(shortMs: number, spanMs: number): number {
  const links = Math.ceil(spanMs / (shortMs / shortLength) / 2) * 2;
  return shortLength + Math.min(Math.max(links, 2), mostLinks - shortLength);
}

/**
 * Times one link of each engine, alternating between engines and between lengths, so that whatever disturbs the machine
 * meets all alike.
 *
 * @throws Error When the machine is too busy for any difference to show.
 */
export async function timeLinks(engines: readonly Chains[], care: Care): Promise<LinkTime[]> {
  const started = performance.now();
  const pairs: [Timed, Timed][] = [];
  try {
    for (const engine of engines) {
      const short = new Timed(await engine.build(shortLength));
      const ms = await short.warmUp(false);
      const long = new Timed(await engine.build(longLength(ms, care.spanMs)));
      pairs.push([short, long]);
      await long.warmUp(true);
    }
    let rounds = 0;
    let times: LinkTime[] = [];
    do {
      for (const timed of pairs.flat()) timed.keep(await timed.time());
      rounds++;
      times = pairs.map(([short, long]) => {
        const ms = slope(short.wall, long.wall);
        return {
          ms,
          ...(knowsCpu && { cpuMs: slope(short.cpu, long.cpu) }),
          spread: slopeSpread(short.wall, long.wall, ms),
          lengths: [short.chain.length, long.chain.length] as const,
          rounds,
        };
      });
    } while (goesOn(rounds, times, performance.now() - started, care));
    const lost = times.findIndex(({ ms }) => !(ms > 0));
    if (lost >= 0) {
      throw new Error(
        `${engines[lost]!.name}: expected a longer chain to take longer, got ${times[lost]!.ms.toPrecision(3)} ms a link. ` +
          'The machine is too busy to measure this: leave it alone and run again.',
      );
    }
    return times;
  } finally {
    for (const timed of pairs.flat()) await timed.chain.dispose();
  }
}

/** Rounds that disagree by more than this are not enough. */
const tolerableSpread = 0.25;

/**
 * At least three rounds; the wanted ones if time allows; up to three times as many where they disagree, and up to three
 * times the budget too where noise hides the work.
 */
function goesOn(rounds: number, times: readonly LinkTime[], elapsedMs: number, care: Care): boolean {
  if (rounds < 3) return true;
  if (times.some(({ ms }) => !(ms > 0))) return rounds < 3 * care.rounds;
  const wanted = times.some(({ spread }) => spread > tolerableSpread) ? 3 * care.rounds : care.rounds;
  return rounds < wanted && elapsedMs < care.budgetMs;
}

const knowsCpu = typeof process !== 'undefined' && typeof process.cpuUsage === 'function';

/** Processor time of this process so far; 0 where nobody tells. */
function processorMs(): number {
  if (!knowsCpu) return 0;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface Reading {
  readonly ms: number;
  readonly cpuMs: number;
}

class Timed {
  private readonly readings: Reading[] = [];

  constructor(readonly chain: Chain) {}

  /**
   * Until runs become no faster: the first compiles, later ones fill caches and let the pacer learn. Gives the time of
   * the best.
   *
   * @param compiled - The same kernels have run in another chain: then one run is enough where runs take long.
   */
  async warmUp(compiled: boolean): Promise<number> {
    let { ms: best } = await this.time();
    if (compiled && best > slowMs) return best;
    ({ ms: best } = await this.time());
    for (let run = 0; run < mostWarmUps && best < slowMs; run++) {
      const { ms } = await this.time();
      if (ms > 0.9 * best) return Math.min(ms, best);
      best = ms;
    }
    return best;
  }

  async time(): Promise<Reading> {
    const before = processorMs();
    const started = performance.now();
    await this.chain.run();
    return { ms: performance.now() - started, cpuMs: processorMs() - before };
  }

  keep(reading: Reading): void {
    this.readings.push(reading);
  }

  get wall(): ChainTimes {
    return { length: this.chain.length, times: this.readings.map(({ ms }) => ms) };
  }

  get cpu(): ChainTimes {
    return { length: this.chain.length, times: this.readings.map(({ cpuMs }) => cpuMs) };
  }
}
