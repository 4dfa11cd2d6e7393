import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { timingSafeEqual } from 'node:crypto';
import { completedEvent, imageAnswer, imagesAnswer, partialEvent } from './answers.js';
import { ApiError, toApiError } from './api-error.js';
import { readEditRequest } from './edit-request.js';
import { EventAnswer } from './events.js';
import { readImageRequest, type ImageRequest, type Limits } from './image-request.js';
import type { ModelShelf } from './model-shelf.js';
import { paint, type Painted, type PaintReport } from './paint.js';
import { PictureStore } from './picture-store.js';
import { QueueClosedError, QueueFullError, TurnQueue } from './turn-queue.js';

/** Of a form with a picture and a mask: the API's 50 MB for a picture, and some. */
const formBytes = 64 * 1024 * 1024;

/** How the server behaves. */
export interface ServerOptions {
  readonly shelf: ModelShelf;
  readonly limits: Limits;
  /** Requests that may wait while one paints. */
  readonly queue: number;
  /** Clients must send it as a bearer token. Absent: everybody may paint. */
  readonly apiKey?: string;
  /**
   * Sizes far from what a model was trained at: `fit` paints near it and resamples, `exact` paints at what is asked.
   *
   * @defaultValue 'fit'
   */
  readonly sizes?: 'fit' | 'exact';
  /** Where clients reach this server, for addresses of pictures. Absent: as they called it. */
  readonly publicUrl?: string;
  readonly pictures?: PictureStore;
  /** Writes each request as a line of JSON. */
  readonly log?: boolean;
}

/**
 * A server that speaks the OpenAI images API: `POST /v1/images/generations`, `POST /v1/images/edits`, `GET /v1/models`,
 * `GET /v1/models/:id`; besides these `GET /health`, and pictures by address. `close()` takes nothing more, waits for the picture that is being
 * painted, and frees the GPU.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { shelf, limits } = options;
  const queue = new TurnQueue(options.queue);
  const pictures = options.pictures ?? new PictureStore();
  const started = Math.floor(Date.now() / 1000);
  const app = Fastify({
    logger: options.log ? { level: 'info' } : false,
    bodyLimit: 256 * 1024,
    requestIdHeader: 'x-request-id',
    // Closing waits for a picture, which takes as long as it takes; Fastify would give up after ten seconds.
    pluginTimeout: 0,
    // Kept connections of clients that have nothing running are closed at once.
    forceCloseConnections: 'idle',
  });
  const model = (id: string) => ({ id, object: 'model' as const, created: started, owned_by: 'pleinair' });

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (options.apiKey !== undefined && request.url.startsWith('/v1/') && !isPicture(request)) {
      checkKey(request, options.apiKey);
    }
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = fastifyError(error) ?? toApiError(error);
    if (answer.status >= 500) request.log.error(error);
    if (answer.retryAfter !== undefined) reply.header('retry-after', answer.retryAfter);
    return reply.status(answer.status).send(answer.body());
  });
  app.setNotFoundHandler((request) => {
    throw new ApiError(404, `Unknown request URL: ${request.method} ${request.url}.`, { code: 'unknown_url' });
  });

  app.get('/health', async () => ({
    status: 'ok',
    adapter: shelf.adapter ?? null,
    models: shelf.names,
    running: queue.running ? 1 : 0,
    waiting: queue.waiting,
  }));
  app.get('/v1/models', async () => ({
    object: 'list',
    data: [...shelf.names, ...Object.keys(shelf.aliases)].map(model),
  }));
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ params }) => {
    shelf.find(params['*']);
    return model(params['*']);
  });
  app.get<{ Params: { name: string } }>('/v1/images/files/:name', async ({ params }, reply) => {
    const picture = pictures.get(params.name);
    if (!picture) throw new ApiError(404, 'The picture is not there, or not any more.', { code: 'not_found' });
    return reply.type(picture.type).header('cache-control', 'private, max-age=3600').send(picture.bytes);
  });

  /** Paints what was asked for and answers, whole or as a stream. */
  const answer = async (asked: ImageRequest, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const name = shelf.find(asked.model);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    // Reading a large form takes a while.
    if (reply.raw.destroyed) gone.abort();
    const run = (report: PaintReport): Promise<void> =>
      inTurn(queue, gone.signal, () => paint(shelf, name, asked, options.sizes ?? 'fit', gone.signal, report));
    if (asked.stream) {
      await streamed(asked, reply, run, gone.signal);
      return reply;
    }
    const painted: Painted[] = [];
    await run({ picture: (one) => painted.push(one) });
    const base = options.publicUrl ?? `${request.protocol}://${request.host}`;
    const publish = ({ bytes }: Painted): string =>
      `${base}/v1/images/files/${pictures.put(bytes, asked.encoding.format)}`;
    return imagesAnswer(
      asked,
      painted,
      painted.map((one) => imageAnswer(one, asked, publish)),
    );
  };
  app.post('/v1/images/generations', async (request, reply) =>
    answer(readImageRequest(request.body, limits), request, reply),
  );
  // Forms are read on this route only.
  void app.register(async (scope) => {
    scope.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) => body);
    scope.post('/v1/images/edits', { bodyLimit: formBytes }, async (request, reply) =>
      answer(await readEditRequest(request.body, request.headers['content-type'] ?? '', limits), request, reply),
    );
  });

  app.addHook('preClose', () => queue.close());
  app.addHook('onClose', () => shelf.drop());
  return app;
}

/** Streams pictures on the way, the pictures, or the failure. */
async function streamed(
  asked: ImageRequest,
  reply: FastifyReply,
  run: (report: PaintReport) => Promise<void>,
  gone: AbortSignal,
): Promise<void> {
  let answer: EventAnswer | undefined;
  // Failures before the first event, such as a full queue, still have a status.
  const open = (): EventAnswer => {
    if (!answer) {
      reply.hijack();
      answer = new EventAnswer(reply.raw);
    }
    return answer;
  };
  try {
    await run({
      partial: (painted, index) => open().send(partialEvent(asked, painted, index)),
      picture: (painted) => open().send(completedEvent(asked, painted)),
    });
    open().end();
  } catch (error) {
    if (!answer) throw error;
    if (!gone.aborted) reply.log.error(error);
    answer.fail(toApiError(error).body());
  }
}

/** Waits for the GPU. A client that has gone is told nothing, as there is nobody to tell. */
async function inTurn<T>(queue: TurnQueue, gone: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await queue.run(gone, work);
  } catch (error) {
    if (error instanceof QueueFullError) {
      const message = `The queue is full (${queue.waiting} requests wait). Try again in a moment.`;
      throw new ApiError(429, message, { type: 'requests', code: 'rate_limit_exceeded' }, 2);
    }
    if (error instanceof QueueClosedError) {
      throw new ApiError(503, 'The server is shutting down.', { code: 'shutting_down' }, 5);
    }
    // 499 is what proxies write into their logs for this.
    if (gone.aborted) throw new ApiError(499, 'The client closed the connection.', { code: 'cancelled' });
    throw error;
  }
}

/** Their names cannot be guessed, and `<img>` sends no token. */
function isPicture(request: FastifyRequest): boolean {
  return request.url.startsWith('/v1/images/files/');
}

function checkKey(request: FastifyRequest, key: string): void {
  const given = Buffer.from(/^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
  const wanted = Buffer.from(key);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new ApiError(401, 'Incorrect API key provided. Send it as "Authorization: Bearer KEY".', {
    code: 'invalid_api_key',
  });
}

/** What Fastify itself refuses: broken JSON, other content types, bodies too large. */
function fastifyError(error: unknown): ApiError | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined;
  const { statusCode, code, message } = error;
  if (typeof statusCode !== 'number' || statusCode >= 500 || !String(code).startsWith('FST_')) return undefined;
  return new ApiError(statusCode, message, { code: 'invalid_body' });
}
