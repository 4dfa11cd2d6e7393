import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** How a test server behaves. Changing a field takes effect at the next request. */
interface ServerHabits {
  /** False: `Range` is ignored and the whole file sent, as `python -m http.server` does. */
  ranges: boolean;
  /** Cuts the connection after this many body bytes, for as many responses as `cuts` says. */
  cutAfter: number;
  cuts: number;
  /** Answered, in order, before anything else. */
  failures: { status: number; headers?: Record<string, string> }[];
  /** Sends headers and part of the body, then nothing, for this many responses. */
  stalls: number;
  /** Leaves Content-Length out. */
  chunked: boolean;
  /** Leaves Content-Range out, as cross-origin pages see it. */
  hideContentRange: boolean;
  /** Answers every unknown path with a page, as development servers do. */
  startPage: boolean;
}

/** A server on the loopback interface that serves files from memory, well or badly. */
export class FileServer {
  readonly habits: ServerHabits = {
    ranges: true,
    cutAfter: 0,
    cuts: 0,
    failures: [],
    stalls: 0,
    chunked: false,
    hideContentRange: false,
    startPage: false,
  };
  /** Every request as `METHOD path range`. */
  readonly log: string[] = [];
  readonly requests: IncomingMessage[] = [];
  bytesSent = 0;
  private readonly server = createServer((request, response) => this.answer(request, response));

  constructor(readonly files: Map<string, Uint8Array>) {}

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${portOf(this.server)}/models/it`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { habits } = this;
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname.replace('/models/it/', ''));
    this.log.push(`${request.method} ${path} ${request.headers.range ?? '-'}`);
    this.requests.push(request);
    const failure = habits.failures.shift();
    if (failure) {
      response.writeHead(failure.status, failure.headers).end('failure');
      return;
    }
    const file = this.files.get(path);
    if (!file) {
      if (habits.startPage)
        response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<!doctype html>');
      else response.writeHead(404).end('not found');
      return;
    }
    const asked = /^bytes=(\d+)-(\d*)$/.exec(habits.ranges ? (request.headers.range ?? '') : '');
    const first = asked ? Number(asked[1]) : 0;
    if (asked && first >= file.length) {
      response.writeHead(416, { 'Content-Range': `bytes */${file.length}` }).end();
      return;
    }
    const body = asked
      ? file.subarray(first, asked[2] ? Math.min(Number(asked[2]) + 1, file.length) : file.length)
      : file;
    const headers: Record<string, string> = {};
    if (!habits.chunked) headers['Content-Length'] = String(body.length);
    if (asked && !habits.hideContentRange) {
      headers['Content-Range'] = `bytes ${first}-${first + body.length - 1}/${file.length}`;
    }
    response.writeHead(asked ? 206 : 200, headers);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    if (habits.stalls > 0 && body.length > 8) {
      habits.stalls--;
      response.write(body.subarray(0, 4));
      return;
    }
    if (habits.cuts > 0 && body.length > habits.cutAfter) {
      habits.cuts--;
      response.write(body.subarray(0, habits.cutAfter), () => setTimeout(() => request.socket.destroy(), 5));
      return;
    }
    this.bytesSent += body.length;
    response.end(body);
  }
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}
