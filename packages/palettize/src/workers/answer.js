import { optimalClusters } from '../kmeans/optimal-clusters.js';

/**
 * What a worker does with a task.
 *
 * @param {import('./solver.js').ClusterTask} task
 * @returns {import('./pool.js').WorkerReply}
 */
export function answer({ values, weights, counts }) {
  try {
    return { ends: optimalClusters(values, weights, counts).map(({ ends }) => ends) };
  } catch (error) {
    return { failure: String(error) };
  }
}
