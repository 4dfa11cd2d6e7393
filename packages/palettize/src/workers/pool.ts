import { CancelledError } from '@pleinair/tensor';
import { PalettizeError } from '../errors.js';
import type { ClusterSolver, ClusterTask } from './solver.js';

/** What a worker answers: {@link ClusterTask}s with where clusters end, or with why it could not. */
export interface WorkerReply {
  readonly ends?: number[][];
  readonly failure?: string;
}

/** A started worker, of Node or of a browser. It does one task at a time. */
export interface WorkerPort {
  post(task: ClusterTask): void;
  /** Called once, before the first task. */
  listen(onReply: (reply: WorkerReply) => void, onFailure: (reason: string) => void): void;
  terminate(): Promise<void>;
}

interface Job {
  readonly task: ClusterTask;
  resolve(ends: number[][]): void;
  reject(error: Error): void;
}

interface Member {
  readonly port: WorkerPort;
  job?: Job;
}

/**
 * Hands tasks to workers, first come, first served, starting a worker when all others are busy. A worker that fails takes
 * its task with it, and the next task starts another. A cancelled task that is under way is left to end unheard.
 *
 * @param start - Starts a worker.
 * @param workers - How many at most.
 */
export function workerPool(start: () => WorkerPort, workers: number): ClusterSolver {
  const members = new Set<Member>();
  const waiting: Job[] = [];
  let closed = false;

  function broken(reason: string): PalettizeError {
    return new PalettizeError(
      'palettize/worker',
      `workers: expected one to cluster values, got: ${reason}. Use directSolver(), which needs none.`,
    );
  }

  function startMember(): Member {
    const member: Member = { port: start() };
    const settle = (settling: (job: Job) => void) => {
      const { job } = member;
      member.job = undefined;
      if (job) settling(job);
      assign();
    };
    member.port.listen(
      ({ ends, failure }) =>
        settle((job) => (ends ? job.resolve(ends) : job.reject(broken(failure ?? 'an empty answer')))),
      (reason) => {
        members.delete(member);
        settle((job) => job.reject(broken(reason)));
      },
    );
    members.add(member);
    return member;
  }

  function assign(): void {
    if (closed) return;
    while (waiting.length > 0) {
      let member = [...members].find(({ job }) => !job);
      if (!member && members.size >= workers) return;
      const job = waiting.shift()!;
      try {
        member ??= startMember();
        member.job = job;
        member.port.post(job.task);
      } catch (error) {
        if (member) member.job = undefined;
        job.reject(broken(error instanceof Error ? error.message : String(error)));
      }
    }
  }

  return {
    concurrency: workers,
    cluster(task, signal) {
      return new Promise((resolve, reject) => {
        if (closed || signal?.aborted) {
          reject(new CancelledError('clustering'));
          return;
        }
        const cancel = () => {
          const at = waiting.indexOf(job);
          if (at >= 0) waiting.splice(at, 1);
          job.reject(new CancelledError('clustering'));
        };
        const job: Job = {
          task,
          resolve: (ends) => {
            signal?.removeEventListener('abort', cancel);
            resolve(ends);
          },
          reject: (error) => {
            signal?.removeEventListener('abort', cancel);
            reject(error);
          },
        };
        signal?.addEventListener('abort', cancel, { once: true });
        waiting.push(job);
        assign();
      });
    },
    async close() {
      closed = true;
      const jobs = [...waiting.splice(0), ...[...members].flatMap(({ job }) => job ?? [])];
      for (const job of jobs) job.reject(new CancelledError('clustering'));
      await Promise.all([...members].map(({ port }) => port.terminate()));
      members.clear();
    },
  };
}
