import { isPleinairError } from '@pleinair/tensor';
import { WeightError } from './errors.js';
import { discard, TransientError, type Attempt, type HttpClient } from './http-client.js';
import { HttpStream, type Fill, type OpenedBody } from './http-stream.js';

/** A size that no header tells is found by reading, up to this many bytes. */
const countedBytes = 64 * 1024 * 1024;

/** Reads of at least this many bytes, one behind the other, are taken from one stream. */
const streamedBytes = 256 * 1024;

/** A file on an HTTP server: its size, and reads at random or in order. */
export class HttpFile {
  private size: number | undefined;
  private nextRead = NaN;
  private ignoresRange = false;
  private readonly stream = new HttpStream((offset, signal) => this.openAt(offset, undefined, signal));

  /** @param where - The source in words. */
  constructor(
    private readonly client: HttpClient,
    private readonly url: URL,
    private readonly path: string,
    private readonly where: string,
  ) {}

  /** Size in bytes, or undefined where there is no such file. Asked for once. */
  async findSize(signal: AbortSignal | undefined): Promise<number | undefined> {
    this.size ??= await this.client.attempt(this.path, this.where, signal, (attempt) => this.askSize(attempt));
    return this.size;
  }

  /** Fills `target` from `start` on. Returns how many bytes there were. */
  async read(start: number, target: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
    const gap = start - this.nextRead;
    const inOrder = gap >= 0 && gap <= streamedBytes && target.length >= streamedBytes;
    this.nextRead = start + target.length;
    if ((await this.findSize(signal)) === undefined) return 0;
    const fill = { start, target, got: 0 };
    await this.client.attempt(this.path, this.where, signal, async (attempt) => {
      if (inOrder || this.ignoresRange || !(await this.readOnce(fill, attempt))) await this.stream.read(fill, attempt);
      if (fill.got < target.length && start + fill.got < (this.size ?? 0)) {
        throw new TransientError('the connection was cut');
      }
    });
    return fill.got;
  }

  /** All of a small file in one request, or undefined where there is none. */
  readAll(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    return this.client.attempt(this.path, this.where, signal, async (attempt) => {
      const response = await this.client.request(this.url, { signal: attempt.signal });
      if (this.isAbsent(response)) {
        await discard(response);
        return undefined;
      }
      if (!response.ok) throw await this.refuse(response);
      return new Uint8Array(await response.arrayBuffer());
    });
  }

  /** One request for one range. False when the server ignores ranges. */
  private async readOnce(fill: Fill, attempt: Attempt): Promise<boolean> {
    const last = fill.start + fill.target.length - 1;
    const opened = await this.openAt(fill.start + fill.got, last, attempt.signal);
    if (!opened) return true;
    if (opened.whole) {
      await opened.body.cancel().catch(() => undefined);
      this.ignoresRange = true;
      return false;
    }
    const reader = opened.body.getReader();
    try {
      for (;;) {
        // Read to the very end, as a connection is kept only when its response was read out.
        const { done, value } = await reader.read();
        if (done || fill.got === fill.target.length) return true;
        attempt.alive();
        attempt.progressed();
        const taken = value.subarray(0, fill.target.length - fill.got);
        fill.target.set(taken, fill.got);
        fill.got += taken.length;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  /** Asks for bytes from `first` to `last` or the end; undefined where the file ends before, or is gone. */
  private async openAt(first: number, last: number | undefined, signal: AbortSignal): Promise<OpenedBody | undefined> {
    const response = await this.client.request(this.url, { signal, range: [first, last] });
    const { status, body } = response;
    if (status === 416 || status === 404 || status === 410) {
      await discard(response);
      return undefined;
    }
    if ((status !== 200 && status !== 206) || !body) throw await this.refuse(response);
    if (status === 200) return { body, from: 0, end: this.size, whole: true };
    const sent = contentRange(response);
    if (sent && (sent.first !== first || (sent.total !== undefined && sent.total !== this.size))) {
      await discard(response);
      throw new WeightError(
        'weights/changed',
        `${this.path}: expected bytes from ${first} of ${this.size}, got "${response.headers.get('Content-Range')}" ` +
          `from ${this.where}. The file changed while it was read: load it again.`,
      );
    }
    return { body, from: first, end: this.size, whole: false };
  }

  private async askSize(attempt: Attempt): Promise<number | undefined> {
    // Not HEAD: caches that compress on the fly drop Content-Length from it, and some servers refuse it.
    const response = await this.client.request(this.url, { signal: attempt.signal, range: [0, 0] });
    const { status } = response;
    const total = contentRange(response)?.total;
    if (this.isAbsent(response)) {
      await discard(response);
      return undefined;
    }
    if (total !== undefined && (status === 206 || status === 416)) {
      await discard(response);
      return total;
    }
    if (status === 200) {
      const length = contentLength(response);
      if (length === undefined) return this.countBytes(response, attempt);
      await discard(response);
      return length;
    }
    if (status !== 206) throw await this.refuse(response);
    await discard(response);
    // Across origins Content-Range is hidden unless the server exposes it; Content-Length never is.
    const head = await this.client.request(this.url, { signal: attempt.signal, method: 'HEAD' });
    const length = head.ok ? contentLength(head) : undefined;
    if (length !== undefined) return length;
    throw this.sizeless('Let the server send "Access-Control-Expose-Headers: Content-Range".');
  }

  private async countBytes(response: Response, attempt: Attempt): Promise<number> {
    let bytes = 0;
    const reader = response.body?.getReader();
    try {
      for (;;) {
        const chunk = await reader?.read();
        if (!chunk || chunk.done) return bytes;
        attempt.alive();
        bytes += chunk.value.length;
        if (bytes > countedBytes) throw this.sizeless('Use a server that does.');
      }
    } catch (error) {
      throw isPleinairError(error) ? error : new TransientError('the connection was cut');
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
  }

  /** Development servers answer any path with their start page, and listings are pages too: neither is a model's file. */
  private isAbsent(response: Response): boolean {
    if (response.status === 404 || response.status === 410) return true;
    const isPage = /^text\/html\b/.test(response.headers.get('Content-Type') ?? '');
    return response.ok && isPage && !/\.html?$/.test(this.path);
  }

  private async refuse(response: Response): Promise<WeightError> {
    await discard(response);
    return new WeightError(
      'weights/network',
      `${this.path}: expected the file from ${this.where}, got status ${`${response.status} ${response.statusText}`.trim()}. ` +
        'Check the address and whether it needs credentials (headers).',
    );
  }

  private sizeless(cure: string): WeightError {
    return new WeightError(
      'weights/network',
      `${this.path}: expected ${this.where} to tell its size, got neither Content-Range nor Content-Length. ${cure}`,
    );
  }
}

function contentRange(response: Response): { first: number | undefined; total: number | undefined } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get('Content-Range') ?? '');
  if (!match) return undefined;
  return {
    first: match[1] === undefined ? undefined : Number(match[1]),
    total: match[2] === '*' ? undefined : Number(match[2]),
  };
}

function contentLength(response: Response): number | undefined {
  const value = response.headers.get('Content-Length');
  return value === null || response.headers.has('Content-Encoding') ? undefined : Number(value);
}
