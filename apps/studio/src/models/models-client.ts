import { proxy, releaseProxy, wrap, type Remote } from 'comlink';
import { Lifeline } from '../client/lifeline.js';
import type { Failure } from '../engine/protocol.js';
import type { ConvertOrder, HubAccess, JobEnd, JobProgress, ModelsEngine } from './engine/protocol.js';

/** What a client needs of the page. */
export interface ModelsClientMeans {
  /** Makes the worker. */
  readonly start: () => Worker;
  /** How the Hub is reached now. */
  readonly access: () => HubAccess;
  /** Lets workers that start from now on reach that Hub, and no other. */
  readonly admit: (endpoint: string | undefined) => Promise<void>;
}

/** A worker, and what it is busy with. */
interface Member {
  readonly worker: Worker;
  readonly remote: Remote<ModelsEngine>;
  readonly jobs: Set<string>;
  readonly lifeline: Lifeline;
  /** Another worker has taken its place. */
  left: boolean;
}

/** The worker that is asked now. */
interface Begun {
  readonly endpoint: string | undefined;
  readonly member: Promise<Member>;
  gone: boolean;
}

/**
 * The page's side of the models' worker, which is started when it is first needed, again when it has died, and anew when another Hub
 * is chosen: what a worker may reach is settled when it starts. One that is at work ends when its work does.
 */
export class ModelsClient {
  private current: Begun | undefined;
  private readonly members = new Set<Member>();

  /** Starts nothing yet. */
  constructor(private readonly means: ModelsClientMeans) {}

  /** Asks the worker for something that needs no callback. */
  async ask<Answer extends Promise<unknown>>(
    question: (engine: Remote<ModelsEngine>, access: HubAccess) => Answer,
  ): Promise<Awaited<Answer> | Failure> {
    const { remote, lifeline } = await this.member();
    return lifeline.hold(question(remote, this.means.access()) as Promise<Awaited<Answer>>);
  }

  /** As {@link ModelsEngine.download}. */
  download(name: string, tell: (progress: JobProgress) => void): Promise<JobEnd> {
    return this.job(name, (engine) => engine.download(name, this.means.access(), proxy(tell)));
  }

  /** As {@link ModelsEngine.convert}. */
  convert(order: ConvertOrder, tell: (progress: JobProgress) => void): Promise<JobEnd> {
    return this.job(order.name, (engine) => engine.convert(order, proxy(tell)));
  }

  /** Stops the job of a name, whichever worker has it. */
  async stop(name: string): Promise<void> {
    await Promise.all([...this.members].filter(({ jobs }) => jobs.has(name)).map(({ remote }) => remote.stop(name)));
  }

  private async job(name: string, body: (engine: Remote<ModelsEngine>) => Promise<JobEnd>): Promise<JobEnd> {
    const member = await this.member();
    member.jobs.add(name);
    try {
      return await member.lifeline.hold(body(member.remote));
    } finally {
      member.jobs.delete(name);
      if (member.left && member.jobs.size === 0) this.end(member);
    }
  }

  private member(): Promise<Member> {
    const { endpoint } = this.means.access();
    const { current } = this;
    if (current && current.endpoint === endpoint && !current.gone) return current.member;
    if (current && !current.gone) {
      void current.member.then((member) => {
        member.left = true;
        if (member.jobs.size === 0) this.end(member);
      });
    }
    const begun: Begun = { endpoint, gone: false, member: this.begin(endpoint, () => (begun.gone = true)) };
    this.current = begun;
    return begun.member;
  }

  private async begin(endpoint: string | undefined, onDeath: () => void): Promise<Member> {
    await this.means.admit(endpoint).catch(() => undefined); // without a cache there is no service worker either
    const worker = this.means.start();
    const remote = wrap<ModelsEngine>(worker);
    const member: Member = { worker, remote, jobs: new Set(), lifeline: new Lifeline(), left: false };
    this.members.add(member);
    worker.addEventListener('error', ({ message }) => {
      onDeath();
      member.lifeline.cut(message || 'the worker for models could not be started');
      this.end(member);
    });
    return member;
  }

  private end(member: Member): void {
    if (!this.members.delete(member)) return;
    member.remote[releaseProxy]();
    member.worker.terminate();
  }
}

/** Starts the models' worker: conversions and downloads go on while pictures are painted. */
export function startModelsWorker(): Worker {
  return new Worker(new URL('./engine/models-worker.ts', import.meta.url), { type: 'module', name: 'pleinair models' });
}
