import { listFiles, modelInfo } from '@huggingface/hub';
import { isPleinairError } from '@pleinair/tensor';
import { reasonOf } from '../errors.js';
import { discard, HttpClient } from '../http-client.js';
import type { ReadOptions } from '../source.js';
import { HubError, refusalOf } from './hub-error.js';
import type { HubName } from './hub-name.js';

/** How the Hub is reached. */
export interface HubAccess {
  /** Base address of the Hub or a mirror. Default: `https://huggingface.co`; in Node, `HF_ENDPOINT`. */
  readonly endpoint?: string;
  /** Sent to the endpoint and nowhere else. In Node, by default the one of `HF_TOKEN` or of `hf auth login`; '' for none. */
  readonly token?: string;
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Tries after a transient failure (network, 408, 425, 429, 5xx, a cut or stalled connection) without any progress. Default 5. */
  readonly retries?: number;
  /** Wait before the first retry, doubled each time, unless the server says how long. Default 500. */
  readonly retryDelayMs?: number;
  /** A connection on which nothing comes for this long is given up and tried again. Default 30,000. */
  readonly stallMs?: number;
}

/** How the Hub names a file's content. */
export interface Checksum {
  /** `sha256` of the bytes (files in Git LFS or Xet), or git's own for a blob (small ones). */
  readonly kind: 'sha256' | 'git-sha1';
  /** In hexadecimal. */
  readonly hex: string;
}

/** A file of a model on the Hub. */
export interface HubFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly checksum: Checksum;
}

/** Base address of the Hub. */
export const hubEndpoint = 'https://huggingface.co';

/** Asks the Hub about models, and where their files are. */
export class HubClient {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly http: HttpClient;
  readonly hasToken: boolean;

  /** @throws `HubError` `hub/name` for an endpoint that is no web address. */
  constructor(access: HubAccess = {}) {
    this.endpoint = checkEndpoint(access.endpoint ?? hubEndpoint);
    this.hasToken = Boolean(access.token);
    this.http = new HttpClient({
      fetch: access.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      // Only ever asked for addresses of the endpoint; `fetch` drops it on the way to another origin.
      headers: new Headers(access.token ? { Authorization: `Bearer ${access.token}` } : {}),
      retries: access.retries ?? 5,
      retryDelayMs: access.retryDelayMs ?? 500,
      stallMs: access.stallMs ?? 30_000,
    });
  }

  /**
   * The commit that a revision means now.
   *
   * @throws `HubError` `hub/not-found`, `hub/revision` (naming those there are), `hub/token`, `hub/forbidden`; `WeightError`
   *   `weights/network`; `CancelledError`.
   */
  async findCommit({ repo, revision }: HubName, { signal }: ReadOptions = {}): Promise<string> {
    try {
      const { sha } = await modelInfo({
        name: repo,
        revision,
        hubUrl: this.endpoint,
        additionalFields: ['sha'],
        fetch: this.apiFetch(repo, revision, signal),
      });
      if (typeof sha === 'string' && /^[0-9a-f]{40}$/.test(sha)) return sha;
    } catch (error) {
      if (!isPleinairError(error)) throw this.noHub(repo, reasonOf(error), error);
      if (error.code !== 'hub/revision') throw error;
      throw (await this.nearestRevisions(repo, revision, signal)) ?? error;
    }
    throw this.noHub(repo, 'an answer without a commit');
  }

  /**
   * All files of a model at a commit, through all pages of the listing.
   *
   * @throws As {@link findCommit}.
   */
  async list(repo: string, commit: string, { signal }: ReadOptions = {}): Promise<HubFile[]> {
    const files: HubFile[] = [];
    try {
      const entries = listFiles({
        repo,
        revision: commit,
        recursive: true,
        hubUrl: this.endpoint,
        fetch: this.apiFetch(repo, commit, signal),
      });
      for await (const { type, path, size, oid, lfs } of entries) {
        if (type !== 'file') continue;
        const checksum: Checksum = lfs ? { kind: 'sha256', hex: lfs.oid } : { kind: 'git-sha1', hex: oid ?? '' };
        if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum.hex) || !Number.isSafeInteger(size) || size < 0) {
          throw this.noHub(repo, `a listing without checksum or size of ${path}`);
        }
        files.push({ path, size, checksum });
      }
    } catch (error) {
      throw isPleinairError(error) ? error : this.noHub(repo, reasonOf(error), error);
    }
    return files;
  }

  /** Where a file is read from; it leads on to where the bytes lie. */
  fileUrl(repo: string, commit: string, path: string): URL {
    return new URL(`${this.endpoint}/${repo}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`);
  }

  /** A small file as text. */
  readText(repo: string, commit: string, path: string, { signal }: ReadOptions = {}): Promise<string> {
    return this.http.attempt(`${repo}: ${path}`, this.endpoint, signal, async (attempt) => {
      const response = await this.http.request(this.fileUrl(repo, commit, path), { signal: attempt.signal });
      if (response.ok) return response.text();
      await discard(response);
      throw this.refusal(response, repo, commit, path);
    });
  }

  /** The error that a refusal means. */
  refusal(response: Response, repo: string, revision: string, path?: string): HubError {
    return refusalOf(response, { repo, revision, path, endpoint: this.endpoint, hasToken: this.hasToken });
  }

  /**
   * A `fetch` for the library: with our retries, token and errors. Answers are read to their end in here, so that one cut in its
   * middle is asked for again.
   */
  private apiFetch(repo: string, revision: string, signal: AbortSignal | undefined): typeof globalThis.fetch {
    return (input) => {
      const url = new URL(input instanceof Request ? input.url : input);
      // Mirrors pass on the links of the Hub they mirror; and a token goes to the endpoint only.
      const asked = new URL(this.endpoint);
      asked.pathname = asked.pathname.replace(/\/$/, '') + url.pathname.slice(commonBase(asked, url));
      asked.search = url.search;
      return this.http.attempt(repo, this.endpoint, signal, async (attempt) => {
        const response = await this.http.request(asked, { signal: attempt.signal });
        if (!response.ok) {
          await discard(response);
          throw this.refusal(response, repo, revision);
        }
        return new Response(await response.text(), { status: response.status, headers: response.headers });
      });
    };
  }

  /** The error for a revision that is not there, with those that are; undefined where they cannot be asked for. */
  private async nearestRevisions(
    repo: string,
    revision: string,
    signal: AbortSignal | undefined,
  ): Promise<HubError | undefined> {
    try {
      const response = await this.apiFetch(repo, revision, signal)(`${this.endpoint}/api/models/${repo}/refs`);
      const { branches = [], tags = [] } = (await response.json()) as Record<string, readonly { name: string }[]>;
      const names = [...branches, ...tags].map(({ name }) => name);
      if (names.length === 0) return undefined;
      const shown = names.slice(0, 12).join(', ') + (names.length > 12 ? ', …' : '');
      return new HubError(
        'hub/revision',
        `${repo}: expected one of its revisions (${shown}) or a whole commit hash, got "${revision}". Name one of them after the @.`,
      );
    } catch {
      return undefined; // the plain error says enough
    }
  }

  private noHub(repo: string, got: string, cause?: unknown): HubError {
    return new HubError(
      'hub/forbidden',
      `${repo}: expected ${this.endpoint} to speak the Hub's API, got ${got}. Check HF_ENDPOINT.`,
      { cause },
    );
  }
}

/** Length of the endpoint's path where an address begins with it. */
function commonBase(endpoint: URL, url: URL): number {
  const base = endpoint.pathname.replace(/\/$/, '');
  return url.pathname.startsWith(`${base}/`) ? base.length : 0;
}

function checkEndpoint(text: string): string {
  if (/^https?:/i.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new HubError(
    'hub/name',
    `HF_ENDPOINT: expected the http or https address of a Hub, got ${JSON.stringify(text)}. Use https://huggingface.co.`,
  );
}
