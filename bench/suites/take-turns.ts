/** What one run took. */
export interface Turn {
  readonly ms: number;
  /** Processor time of this process. */
  readonly cpuMs: number;
}

/** When enough was read. */
export interface TurnCare {
  readonly rounds: number;
  /** No round after the second begins once this much time is gone. */
  readonly budgetMs: number;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

/**
 * Times whole things of seconds, where nothing cancels but the machine's other work: in rounds in which each runs once, one
 * later in the order each time, so that whatever disturbs the machine meets all alike. What compiles should have run before.
 *
 * @returns The turns of each, in the order of rounds.
 */
export async function takeTurns(
  runs: readonly (() => Promise<unknown>)[],
  { rounds, budgetMs, now = () => performance.now() }: TurnCare,
): Promise<Turn[][]> {
  const started = now();
  const turns: Turn[][] = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    if (round >= 2 && now() - started > budgetMs) break;
    for (let i = 0; i < runs.length; i++) {
      const which = (round + i) % runs.length;
      const before = process.cpuUsage();
      const began = now();
      await runs[which]!();
      const ms = now() - began;
      const { user, system } = process.cpuUsage(before);
      turns[which]!.push({ ms, cpuMs: (user + system) / 1000 });
    }
  }
  return turns;
}

/** Each round's ratio of the first's to the second's, in order of size. */
export function roundRatios(first: readonly Turn[], second: readonly Turn[], key: keyof Turn): number[] {
  return first.map((turn, i) => turn[key] / second[i]![key]).sort((a, b) => a - b);
}
