import { TransientError, type Attempt } from './http-client.js';

/** A stream that nobody reads is let go after this long, so that it does not hold the connection. */
const idleCloseMs = 5_000;

/** Unwanted bytes up to this many are read through, where the server could be asked to start beyond them. */
const skippedBytes = 1024 * 1024;

/** A response that brings a file's bytes from some offset on. */
export interface OpenedBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Offset of the body's first byte. */
  readonly from: number;
  /** Size of the file. */
  readonly end: number | undefined;
  /** True when the server sent the whole file whatever was asked. */
  readonly whole: boolean;
}

/** How far a read has come; kept from one try to the next. */
export interface Fill {
  readonly start: number;
  readonly target: Uint8Array;
  got: number;
}

/**
 * Reads ranges of a file, one after the other, from one download that is kept open between them: one request and one
 * connection for all of a checkpoint. Backwards, far forwards and after a cut it is opened again where the next byte is;
 * of a server that ignores `Range` (as `python -m http.server` does) it is always opened at the start, and skipped
 * forward.
 */
export class HttpStream {
  private opened: OpenedBody | undefined;
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private controller: AbortController | undefined;
  private position = 0;
  private rest: Uint8Array = new Uint8Array(0);
  private turn: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Set<Attempt>();
  private idle: ReturnType<typeof setTimeout> | undefined;

  /** @param openAt - Asks for the file from an offset on; undefined where it ends before. */
  constructor(private readonly openAt: (offset: number, signal: AbortSignal) => Promise<OpenedBody | undefined>) {}

  /** True while the next byte is this one, or is cheaper to reach than to ask for. */
  reaches(offset: number): boolean {
    if (!this.opened || offset < this.position) return false;
    return this.opened.whole || offset - this.position <= skippedBytes;
  }

  /** Reads in turn: read-ahead asks for several ranges at once, and there is one stream. */
  read(fill: Fill, attempt: Attempt): Promise<void> {
    this.waiting.add(attempt);
    const run = this.turn.then(() => this.readNow(fill, attempt)).finally(() => this.waiting.delete(attempt));
    this.turn = run.catch(() => undefined);
    return run;
  }

  private async readNow(fill: Fill, attempt: Attempt): Promise<void> {
    clearTimeout(this.idle);
    const abort = () => this.close();
    attempt.signal.addEventListener('abort', abort, { once: true });
    try {
      attempt.signal.throwIfAborted();
      if (!this.reaches(fill.start + fill.got) && !(await this.open(fill.start + fill.got))) return;
      while (fill.got < fill.target.length) {
        for (const each of this.waiting) each.alive(); // those in the queue wait for this very stream
        if (this.rest.length === 0) {
          const { done, value } = await this.reader!.read();
          if (done) {
            this.close();
            return;
          }
          this.rest = value;
        }
        this.take(fill, attempt);
      }
      if (this.position === this.opened?.end) this.close();
      else this.idle = setTimeout(() => this.close(), idleCloseMs);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      attempt.signal.removeEventListener('abort', abort);
    }
  }

  private take(fill: Fill, attempt: Attempt): void {
    const skip = Math.min(this.rest.length, fill.start + fill.got - this.position);
    const take = Math.min(this.rest.length - skip, fill.target.length - fill.got);
    if (take > 0) attempt.progressed();
    fill.target.set(this.rest.subarray(skip, skip + take), fill.got);
    fill.got += take;
    this.position += skip + take;
    this.rest = this.rest.subarray(skip + take);
  }

  private async open(offset: number): Promise<boolean> {
    this.close();
    this.controller = new AbortController();
    this.opened = await this.openAt(offset, this.controller.signal);
    if (!this.opened) return false;
    if (this.opened.from > offset) throw new TransientError(`bytes from ${this.opened.from} instead of ${offset}`);
    this.position = this.opened.from;
    this.reader = this.opened.body.getReader();
    return true;
  }

  private close(): void {
    clearTimeout(this.idle);
    this.controller?.abort();
    this.controller = undefined;
    this.opened = undefined;
    this.reader = undefined;
    this.position = 0;
    this.rest = new Uint8Array(0);
  }
}
