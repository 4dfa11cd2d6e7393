import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { DiskFile } from './disk-file.js';
import { goodHabits, type HubHabits } from './hub-habits.js';
import { HubRepo, type HubCommit, type HubContent, type RepoManners } from './hub-repos.js';
import { sendFile } from './send-file.js';

/** What pages of other origins may read, as the real Hub allows. */
const exposed =
  'X-Repo-Commit,X-Error-Code,X-Error-Message,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag';

/**
 * A Hub on the loopback interface: models by revision, paged listings, files that lead on to a second origin (the "CDN"),
 * tokens, gated and private repositories; it drops, stalls and corrupts connections on demand.
 */
export class HubServer {
  readonly habits: HubHabits = goodHabits();
  /** Every request, as `METHOD path` and the range it asked for. */
  readonly log: string[] = [];
  /** Bytes of files that went out. */
  bytesSent = 0;
  /** Tokens that anyone may show; others are refused. */
  readonly tokens = new Set<string>();
  readonly repos = new Map<string, HubRepo>();
  /** Base address, once started: what `HF_ENDPOINT` would be. */
  endpoint = '';
  private cdn = '';
  private readonly servers: readonly [Server, Server] = [
    createServer((request, response) => this.answer(request, response)),
    createServer((request, response) => this.answerAsCdn(request, response)),
  ];

  async start(): Promise<string> {
    [this.endpoint, this.cdn] = (await Promise.all(this.servers.map((server) => listen(server)))) as [string, string];
    return this.endpoint;
  }

  async stop(): Promise<void> {
    for (const server of this.servers) server.closeAllConnections();
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Puts files on a branch of a repository, which is made where there is none. Strings are sent as UTF-8, other objects as JSON. */
  publish(
    name: string,
    files: Readonly<Record<string, HubContent | string | object>>,
    { branch = 'main', ...manners }: RepoManners & { readonly branch?: string } = {},
  ): HubCommit {
    const repo = this.repos.get(name) ?? new HubRepo(name, manners);
    this.repos.set(name, repo);
    return repo.commit(new Map(Object.entries(files).map(([path, content]) => [path, bytesOf(content)])), branch);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.endpoint);
    if (!this.greet(request, response, url)) return;
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined && !this.tokens.has(token)) {
      refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
      return;
    }
    const segments = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const cached = segments.slice(0, 3).join('/') === 'api/resolve-cache/models';
    const name = (
      cached ? segments.slice(3, 5) : segments[0] === 'api' ? segments.slice(2, 4) : segments.slice(0, 2)
    ).join('/');
    const repo = this.repos.get(name);
    if (!repo || (repo.manners.private && token === undefined)) {
      refuse(response, token === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found');
      return;
    }
    if (cached) {
      const [sha = '', ...path] = segments.slice(5);
      response.setHeader('X-Repo-Commit', sha);
      this.send(request, response, repo, sha, path.join('/'));
    } else if (segments[0] === 'api') this.answerApi(response, url, repo, segments.slice(4));
    else if (segments[2] === 'resolve') this.resolve(response, repo, segments.slice(3), token);
    else refuse(response, 404, undefined, 'Not found');
  }

  private answerApi(response: ServerResponse, url: URL, repo: HubRepo, [what, ...rest]: string[]): void {
    if (what === 'refs') {
      const refs = (of: ReadonlyMap<string, string>): object[] =>
        [...of].map(([name, targetCommit]) => ({ name, ref: `refs/heads/${name}`, targetCommit }));
      sendJson(response, { branches: refs(repo.branches), tags: refs(repo.tags), converts: [] });
      return;
    }
    const commit = repo.find(rest.join('/'));
    if (!commit) {
      refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${rest.join('/')}`);
      return;
    }
    if (what === 'revision') {
      const { gated = false, private: hidden = false } = repo.manners;
      sendJson(response, {
        _id: 'test',
        id: repo.name,
        sha: commit.sha,
        private: hidden,
        gated: gated ? 'manual' : false,
        downloads: 0,
        likes: 0,
        lastModified: '2024-01-01T00:00:00.000Z',
      });
    } else if (what === 'tree') {
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const to = from + this.habits.pageSize;
      const folders = new Set(commit.tree.flatMap(({ path }) => parents(path)));
      const all = [...[...folders].map((path) => ({ type: 'directory', oid: '', size: 0, path })), ...commit.tree];
      if (to < all.length) {
        url.searchParams.set('cursor', String(to));
        response.setHeader('Link', `<${url.href}>; rel="next"`);
      }
      sendJson(response, all.slice(from, to));
    } else refuse(response, 404, undefined, 'Not found');
  }

  private resolve(
    response: ServerResponse,
    repo: HubRepo,
    [revision = '', ...rest]: string[],
    token: string | undefined,
  ): void {
    const commit = repo.find(revision);
    if (!commit) {
      refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
      return;
    }
    if (repo.manners.gated && (token === undefined || !repo.granted.has(token))) {
      refuse(response, token === undefined ? 401 : 403, 'GatedRepo', `Access to model ${repo.name} is restricted.`);
      return;
    }
    const path = rest.join('/');
    const entry = commit.tree.find((each) => each.path === path);
    if (!entry) {
      refuse(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    response.setHeader('X-Repo-Commit', commit.sha);
    if (entry.lfs) {
      response.writeHead(302, {
        Location: `${this.cdn}/${repo.name}/${commit.sha}/${encodePath(path)}`,
        'X-Linked-Size': String(entry.size),
        'X-Linked-ETag': `"${entry.lfs.oid}"`,
      });
    } else {
      response.writeHead(307, { Location: `/api/resolve-cache/models/${repo.name}/${commit.sha}/${encodePath(path)}` });
    }
    response.end();
  }

  private answerAsCdn(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.cdn);
    if (!this.greet(request, response, url)) return;
    if (request.headers.authorization !== undefined) {
      // As storage services do; and a token that came here would have gone to a stranger.
      refuse(response, 400, undefined, 'Only one auth mechanism allowed');
      return;
    }
    const [owner, name, sha = '', ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const repo = this.repos.get(`${owner}/${name}`);
    if (repo) this.send(request, response, repo, sha, rest.join('/'));
    else refuse(response, 404, undefined, 'Not found');
  }

  private send(request: IncomingMessage, response: ServerResponse, repo: HubRepo, sha: string, path: string): void {
    const commit = repo.commits.get(sha);
    const bytes = commit?.files.get(path);
    const entry = commit?.tree.find((each) => each.path === path);
    if (!bytes || !entry) {
      refuse(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    sendFile(request, response, { path, bytes, etag: entry.lfs?.oid ?? entry.oid }, this.habits, (sent) => {
      this.bytesSent += sent;
    });
  }

  /** What every answer begins with. False when this was all of it. */
  private greet(request: IncomingMessage, response: ServerResponse, { pathname }: URL): boolean {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Expose-Headers', exposed);
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { 'Access-Control-Allow-Headers': 'Authorization, Range, Accept' }).end();
      return false;
    }
    this.log.push(
      `${request.method} ${decodeURIComponent(pathname)}${request.headers.range ? ` ${request.headers.range}` : ''}`,
    );
    const { failures } = this.habits;
    const failure = failures.findIndex(({ on = '' }) => decodeURIComponent(pathname).includes(on));
    if (failure < 0) return true;
    const [{ status, headers } = { status: 500 }] = failures.splice(failure, 1);
    response.writeHead(status, headers).end('failure');
    return false;
  }
}

function refuse(response: ServerResponse, status: number, code: string | undefined, message: string): void {
  if (code) response.setHeader('X-Error-Code', code);
  response.setHeader('X-Error-Message', message);
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: message }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function bytesOf(content: HubContent | string | object): HubContent {
  if (content instanceof Uint8Array || content instanceof DiskFile) return content;
  return new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
}

function parents(path: string): string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_, i) => segments.slice(0, i + 1).join('/'));
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return `http://127.0.0.1:${address.port}`;
}
