import { isPleinairError } from '@pleinair/tensor';
import { WeightError } from './errors.js';
import { discard, HttpClient, TransientError, type Attempt } from './http-client.js';
import { SequentialDownload } from './http-sequential.js';
import { createSource, type ModelSource } from './source.js';

/** Options of {@link httpSource}. */
export interface HttpSourceOptions {
  /** Used in place of the global `fetch`, e.g. to add a proxy or a cache. */
  readonly fetch?: typeof globalThis.fetch;
  /** Sent with every request, e.g. `{ Authorization: 'Bearer …' }`. */
  readonly headers?: HeadersInit;
  /** Tries after a transient failure (network, 408, 425, 429, 5xx, a cut or stalled connection). Default 4. */
  readonly retries?: number;
  /** Wait before the first retry, doubled each time, unless the server says how long. Default 250. */
  readonly retryDelayMs?: number;
  /** A connection on which nothing comes for this long is given up and tried again. Default 30,000. */
  readonly stallMs?: number;
}

/** A size that no header tells is found by reading, up to this many bytes. */
const countedBytes = 64 * 1024 * 1024;

/**
 * A model on an HTTP server, read with Range requests. A cut connection is resumed where it broke. Servers that ignore
 * `Range` work as well, by one download of each file in order.
 *
 * @param baseUrl - The address under which `model_index.json`, `unet/…` lie; in a browser it may be relative to the page.
 * A query string is kept on every request.
 */
export function httpSource(baseUrl: string | URL, options: HttpSourceOptions = {}): ModelSource {
  const base = parseBase(baseUrl);
  const where = base.origin + base.pathname; // a query may hold a secret
  const client = new HttpClient({
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    headers: new Headers(options.headers),
    retries: options.retries ?? 4,
    retryDelayMs: options.retryDelayMs ?? 250,
    stallMs: options.stallMs ?? 30_000,
  });
  const sizes = new Map<string, number>();
  const sequential = new Map<string, SequentialDownload>();

  const urlOf = (path: string): URL => {
    const url = new URL(base);
    url.pathname = base.pathname.replace(/\/?$/, '/') + path.split('/').map(encodeURIComponent).join('/');
    return url;
  };

  const refuse = (path: string, response: Response) =>
    new WeightError(
      'weights/network',
      `${path}: expected the file from ${where}, got status ${`${response.status} ${response.statusText}`.trim()}. ` +
        'Check the address and whether it needs credentials (headers).',
    );

  async function readSize(path: string, attempt: Attempt): Promise<number | undefined> {
    // Not HEAD: caches that compress on the fly drop Content-Length from it, and some servers refuse it.
    const response = await client.request(urlOf(path), { signal: attempt.signal, range: [0, 0] });
    const { status } = response;
    const total = contentRange(response)?.total;
    if (status === 404 || status === 410 || (response.ok && isWebPage(response, path))) {
      await discard(response);
      return undefined;
    }
    if (total !== undefined && (status === 206 || status === 416)) {
      await discard(response);
      return total;
    }
    if (status === 200) {
      const length = contentLength(response);
      if (length !== undefined) {
        await discard(response);
        return length;
      }
      return countBytes(path, where, response, attempt);
    }
    await discard(response);
    if (status !== 206) throw refuse(path, response);
    // Across origins Content-Range is hidden unless the server exposes it; Content-Length never is.
    const head = await client.request(urlOf(path), { signal: attempt.signal, method: 'HEAD' });
    const length = head.ok ? contentLength(head) : undefined;
    if (length !== undefined) return length;
    throw new WeightError(
      'weights/network',
      `${path}: expected ${where} to tell its size, got neither Content-Range nor Content-Length. ` +
        'Let the server send "Access-Control-Expose-Headers: Content-Range".',
    );
  }

  async function sizeOf(path: string, signal: AbortSignal | undefined): Promise<number | undefined> {
    const known = sizes.get(path);
    if (known !== undefined) return known;
    const size = await client.attempt(path, where, signal, (attempt) => readSize(path, attempt));
    if (size !== undefined) sizes.set(path, size);
    return size;
  }

  /** One try at the bytes still wanted. Returns how many there are in all, or undefined where the file ends before. */
  async function readRest(path: string, start: number, target: Uint8Array, state: { got: number }, attempt: Attempt) {
    const inOrder = sequential.get(path);
    if (inOrder) {
      const got = await inOrder.readInto(start, target, attempt);
      state.got = got;
      if (got < target.length && start + got < (sizes.get(path) ?? 0))
        throw new TransientError('the connection was cut');
      return;
    }
    const first = start + state.got;
    const response = await client.request(urlOf(path), {
      signal: attempt.signal,
      range: [first, start + target.length - 1],
    });
    if (response.status === 416 || response.status === 404 || response.status === 410) {
      await discard(response);
      return;
    }
    if (response.status === 200) {
      await discard(response);
      sequential.set(path, new SequentialDownload(client, urlOf(path)));
      return readRest(path, start, target, state, attempt);
    }
    if (response.status !== 206 || !response.body) {
      await discard(response);
      throw refuse(path, response);
    }
    const sent = contentRange(response);
    const size = sizes.get(path);
    if (sent && (sent.first !== first || (size !== undefined && sent.total !== undefined && sent.total !== size))) {
      await discard(response);
      throw new WeightError(
        'weights/changed',
        `${path}: expected bytes from ${first} of ${size ?? 'unknown'}, got "${response.headers.get('Content-Range')}" from ${where}. ` +
          'The file changed while it was read: load it again.',
      );
    }
    await fill(response.body, target, state, attempt);
    const end = sent?.total ?? size;
    if (state.got < target.length && (end === undefined || start + state.got < end)) {
      throw new TransientError('the connection was cut');
    }
  }

  return createSource({
    describe: () => where,
    size: (path, { signal }) => sizeOf(path, signal),
    async readInto(path, start, target, { signal }) {
      await sizeOf(path, signal);
      const state = { got: 0 };
      await client.attempt(path, where, signal, (attempt) => readRest(path, start, target, state, attempt));
      return state.got;
    },
    readAll: (path, { signal }) =>
      client.attempt(path, where, signal, async (attempt) => {
        const response = await client.request(urlOf(path), { signal: attempt.signal });
        if (response.status === 404 || response.status === 410 || (response.ok && isWebPage(response, path))) {
          await discard(response);
          return undefined;
        }
        if (!response.ok) {
          await discard(response);
          throw refuse(path, response);
        }
        return new Uint8Array(await response.arrayBuffer());
      }),
  });
}

async function fill(
  body: ReadableStream<Uint8Array>,
  target: Uint8Array,
  state: { got: number },
  attempt: Attempt,
): Promise<void> {
  const reader = body.getReader();
  try {
    for (;;) {
      // Read to the very end, as a connection is kept only when its response was read out.
      const { done, value } = await reader.read();
      if (done || state.got === target.length) return;
      attempt.alive();
      attempt.progressed();
      const taken = value.subarray(0, target.length - state.got);
      target.set(taken, state.got);
      state.got += taken.length;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function countBytes(path: string, where: string, response: Response, attempt: Attempt): Promise<number> {
  let bytes = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return bytes;
      attempt.alive();
      bytes += chunk.value.length;
      if (bytes > countedBytes) {
        throw new WeightError(
          'weights/network',
          `${path}: expected ${where} to tell its size, got neither Content-Range nor Content-Length. Use a server that does.`,
        );
      }
    }
  } catch (error) {
    if (isPleinairError(error)) throw error;
    throw new TransientError('the connection was cut');
  } finally {
    await reader?.cancel().catch(() => undefined);
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

/** Development servers answer any path with their start page, and listings are pages too: neither is a model's file. */
function isWebPage(response: Response, path: string): boolean {
  return !/\.html?$/.test(path) && /^text\/html\b/.test(response.headers.get('Content-Type') ?? '');
}

function parseBase(baseUrl: string | URL): URL {
  const page = (globalThis as { location?: { href?: string } }).location?.href;
  const url = URL.canParse(baseUrl, page) ? new URL(baseUrl, page) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new WeightError(
    'weights/network',
    `httpSource: expected an http or https address, got ${JSON.stringify(String(baseUrl))}. Give the model's base address.`,
  );
}
