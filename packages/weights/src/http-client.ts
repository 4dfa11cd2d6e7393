import { CancelledError, isPleinairError, throwIfCancelled } from '@pleinair/tensor';
import { reasonOf, WeightError } from './errors.js';

/** A failure worth another try: the network, a busy server, a connection cut in mid-body. */
export class TransientError extends Error {
  constructor(
    message: string,
    /** How long the server asked to wait, if it did. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** One try of a request, as the code inside {@link HttpClient.attempt} sees it. */
export interface Attempt {
  /** Pass it to fetch: fires on the caller's cancel and when nothing has come for too long. */
  readonly signal: AbortSignal;
  /** Call it whenever bytes came in: restarts the stall clock. */
  alive(): void;
  /** Call it when bytes were kept: what comes after counts as a first try again. */
  progressed(): void;
}

/** Settings of {@link HttpClient}. */
interface HttpClientOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly headers: Headers;
  /** Tries after the first. */
  readonly retries: number;
  /** Wait before the first retry; doubles each time. */
  readonly retryDelayMs: number;
  /** A connection on which nothing comes for this long is given up and tried again. */
  readonly stallMs: number;
}

/** Requests with retries, stall clock and cancel. */
export class HttpClient {
  constructor(private readonly options: HttpClientOptions) {}

  /** One request. Statuses that another try may cure are thrown as {@link TransientError}. */
  async request(
    url: URL,
    init: { signal: AbortSignal; method?: 'GET' | 'HEAD'; range?: [first: number, last: number | undefined] },
  ): Promise<Response> {
    const headers = new Headers(this.options.headers);
    if (init.range) headers.set('Range', `bytes=${init.range[0]}-${init.range[1] ?? ''}`);
    const response = await this.options.fetch(url, { method: init.method ?? 'GET', headers, signal: init.signal });
    const { status } = response;
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      await discard(response);
      throw new TransientError(`status ${status} ${response.statusText}`.trim(), retryAfter(response));
    }
    return response;
  }

  /** Runs `body` until it succeeds, fails for good, or has been retried too often. */
  async attempt<T>(
    path: string,
    where: string,
    caller: AbortSignal | undefined,
    body: (attempt: Attempt) => Promise<T>,
  ) {
    let tries = 0;
    for (;;) {
      throwIfCancelled(caller, path);
      const controller = new AbortController();
      const forward = () => controller.abort();
      caller?.addEventListener('abort', forward, { once: true });
      let last = performance.now();
      const watchdog = setInterval(() => {
        if (performance.now() - last > this.options.stallMs)
          controller.abort(new TransientError('no bytes for too long'));
      }, this.options.stallMs / 4);
      try {
        return await body({
          signal: controller.signal,
          alive: () => {
            last = performance.now();
          },
          progressed: () => {
            tries = 0;
          },
        });
      } catch (error) {
        if (caller?.aborted) throw new CancelledError(path);
        if (isPleinairError(error)) throw error;
        if (tries >= this.options.retries) {
          throw new WeightError(
            'weights/network',
            `${path}: expected an answer from ${where}, got: ${reasonOf(error)}, ${tries + 1} times. ` +
              'Check the address and the connection; in a browser, also that the server allows this page (CORS).',
            { cause: error },
          );
        }
        const asked = error instanceof TransientError ? error.retryAfterMs : undefined;
        await pause(asked ?? this.options.retryDelayMs * 2 ** tries, caller);
        tries++;
      } finally {
        clearInterval(watchdog);
        caller?.removeEventListener('abort', forward);
      }
    }
  }
}

/** Lets go of a response: a small body is read out, which keeps the connection for the next request; others are cut. */
export async function discard(response: Response): Promise<void> {
  const length = response.headers.get('Content-Length');
  const small = length !== null && Number(length) <= 4096;
  await (small ? response.arrayBuffer() : response.body?.cancel())?.catch(() => undefined);
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110 §10.2.3), at most a minute. */
function retryAfter(response: Response): number | undefined {
  const value = response.headers.get('Retry-After');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 60_000);
}

/** Waits, or returns at once when the signal fires; the caller then looks at the signal. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
