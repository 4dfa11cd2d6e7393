/**
 * Results of evaluations, kept as each is made, so that an analysis that was ended loses none but the one under way.
 * `openEvaluationLog` keeps them in a file; {@link mapLog} in memory.
 */
export interface EvaluationLog {
  /** The result of an evaluation that was made before: PSNR in dB, one a prompt. */
  get(key: string): readonly number[] | undefined;
  /** Keeps a result; resolves when it will survive. */
  record(key: string, result: readonly number[]): Promise<void>;
}

/** Keeps results in a map, as long as it lasts. */
export function mapLog(results: Map<string, readonly number[]> = new Map()): EvaluationLog {
  return {
    get: (key) => results.get(key),
    record(key, result) {
      results.set(key, result);
      return Promise.resolve();
    },
  };
}
