import { WeightError } from './errors.js';
import { HttpClient } from './http-client.js';
import { HttpFile } from './http-file.js';
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

/**
 * A model on an HTTP server, read with Range requests; a checkpoint read in order comes in one download. A cut connection
 * is resumed where it broke. Servers that ignore `Range` work as well.
 *
 * @param baseUrl - The address under which `model_index.json`, `unet/…` lie; in a browser it may be relative to the page.
 * A query string is kept on every request.
 */
export function httpSource(baseUrl: string | URL, options: HttpSourceOptions = {}): ModelSource {
  const base = parseBase(baseUrl);
  const where = base.origin + base.pathname; // a query may hold a secret
  const client = httpClient(options);
  const files = new Map<string, HttpFile>();

  const fileAt = (path: string): HttpFile => {
    const known = files.get(path);
    if (known) return known;
    const url = new URL(base);
    url.pathname = base.pathname.replace(/\/?$/, '/') + path.split('/').map(encodeURIComponent).join('/');
    const file = new HttpFile(client, url, path, where);
    files.set(path, file);
    return file;
  };

  return createSource({
    describe: () => where,
    size: (path, { signal }) => fileAt(path).findSize(signal),
    readInto: (path, start, target, { signal }) => fileAt(path).read(start, target, signal),
    readAll: (path, { signal }) => fileAt(path).readAll(signal),
  });
}

/** The client that a source's options ask for. */
export function httpClient(options: HttpSourceOptions): HttpClient {
  return new HttpClient({
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    headers: new Headers(options.headers),
    retries: options.retries ?? 4,
    retryDelayMs: options.retryDelayMs ?? 250,
    stallMs: options.stallMs ?? 30_000,
  });
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
