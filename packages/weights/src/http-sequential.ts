import { discard, TransientError, type Attempt, type HttpClient } from './http-client.js';

/** An unfinished download that nobody reads is let go after this long, so that it does not hold the connection. */
const idleCloseMs = 5_000;

/**
 * Reads ranges of a file from a server that ignores `Range` and always sends the whole file (as `python -m http.server`
 * does). The download is kept open between reads and skipped forward, so a loader that reads in order costs one
 * download; only a step backwards starts it again.
 */
export class SequentialDownload {
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private controller: AbortController | undefined;
  private position = 0;
  private rest: Uint8Array = new Uint8Array(0);
  private turn: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Set<Attempt>();
  private idle: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: HttpClient,
    private readonly url: URL,
  ) {}

  /** Reads in turn: read-ahead asks for several ranges at once, and there is one stream. */
  readInto(start: number, target: Uint8Array, attempt: Attempt): Promise<number> {
    this.waiting.add(attempt);
    const run = this.turn.then(() => this.read(start, target, attempt)).finally(() => this.waiting.delete(attempt));
    this.turn = run.catch(() => undefined);
    return run;
  }

  private async read(start: number, target: Uint8Array, attempt: Attempt): Promise<number> {
    clearTimeout(this.idle);
    const abort = () => this.close();
    attempt.signal.addEventListener('abort', abort, { once: true });
    try {
      attempt.signal.throwIfAborted();
      if (!this.reader || start < this.position) await this.open();
      let got = 0;
      while (got < target.length) {
        for (const each of this.waiting) each.alive(); // those in the queue wait for this very stream
        if (this.rest.length === 0) {
          const { done, value } = await this.reader!.read();
          if (done) break;
          this.rest = value;
        }
        const skip = Math.min(this.rest.length, Math.max(0, start - this.position));
        const take = Math.min(this.rest.length - skip, target.length - got);
        target.set(this.rest.subarray(skip, skip + take), got);
        got += take;
        this.position += skip + take;
        this.rest = this.rest.subarray(skip + take);
      }
      // A closed connection reads like the end of the file: the caller knows the size and tries again.
      if (got < target.length) this.close();
      return got;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      attempt.signal.removeEventListener('abort', abort);
      if (this.reader) this.closeWhenIdle();
    }
  }

  private async open(): Promise<void> {
    this.close();
    this.controller = new AbortController();
    const response = await this.client.request(this.url, { signal: this.controller.signal });
    if (response.status !== 200 || !response.body) {
      await discard(response);
      throw new TransientError(`status ${response.status} ${response.statusText}`.trim());
    }
    this.reader = response.body.getReader();
  }

  private close(): void {
    clearTimeout(this.idle);
    this.controller?.abort();
    this.controller = undefined;
    this.reader = undefined;
    this.position = 0;
    this.rest = new Uint8Array(0);
  }

  private closeWhenIdle(): void {
    this.idle = setTimeout(() => this.close(), idleCloseMs);
  }
}
