import { throwIfCancelled } from '@pleinair/tensor';
import { optimalClusters } from '../kmeans/optimal-clusters.js';

/** A clustering to be done: see `optimalClusters`. */
export interface ClusterTask {
  /** Ascending, all different, each a half float. `[n]`, n ≥ 1. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Above zero. `[n]` */
  readonly weights: Float64Array<ArrayBuffer>;
  /** Numbers of clusters wanted. */
  readonly counts: readonly number[];
}

/**
 * Does clusterings, on workers or in the calling thread. Whichever and however many: the results are the same, bit by bit.
 * Made by {@link directSolver}, `webWorkerSolver` or `nodeWorkerSolver`; close it when done.
 */
export interface ClusterSolver {
  /** How many tasks are worth giving at once. */
  readonly concurrency: number;
  /**
   * Where each cluster ends, for each number of clusters asked for.
   *
   * @throws `CancelledError`; `PalettizeError` `palettize/worker`.
   */
  cluster(task: ClusterTask, signal?: AbortSignal): Promise<readonly (readonly number[])[]>;
  /** Ends the workers; tasks under way are cancelled. */
  close(): Promise<void>;
}

/** Clusters in the calling thread, which it holds for some 0.1 s a task of many values. */
export function directSolver(): ClusterSolver {
  return {
    concurrency: 1,
    cluster({ values, weights, counts }, signal) {
      return new Promise((resolve) => {
        throwIfCancelled(signal, 'clustering');
        resolve(optimalClusters(values, weights, counts).map(({ ends }) => ends));
      });
    },
    close: () => Promise.resolve(),
  };
}
