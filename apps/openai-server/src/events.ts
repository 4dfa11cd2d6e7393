import type { ServerResponse } from 'node:http';

/** What an event holds, as JSON. */
export interface EventData {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** An answer that comes piece by piece, as server-sent events (WHATWG HTML §9.2). */
export class EventAnswer {
  constructor(private readonly response: ServerResponse) {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      // Proxies such as nginx would hold events back.
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
  }

  /** One event; its name is the data's `type`, as the API has it. */
  send(data: EventData): void {
    this.write(data.type, data);
  }

  /** A failure after the answer has begun; its status can no longer tell. */
  fail(body: object): void {
    this.write('error', body);
    this.end();
  }

  /** Closes the answer. */
  end(): void {
    this.response.end();
  }

  private write(event: string, data: object): void {
    this.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
