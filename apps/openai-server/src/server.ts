import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { timingSafeEqual } from 'node:crypto';
import { ApiError, toApiError } from './api-error.js';
import { EventAnswer } from './events.js';
import { readImageRequest, type ImageRequest, type Limits } from './image-request.js';
import type { ModelShelf } from './model-shelf.js';
import { paint, type Painted } from './paint.js';
import { PictureStore } from './picture-store.js';
import { QueueClosedError, QueueFullError, TurnQueue } from './turn-queue.js';

/** How the server behaves. */
export interface ServerOptions {
  readonly shelf: ModelShelf;
  readonly limits: Limits;
  /** Requests that may wait while one paints. */
  readonly queue: number;
  /** Clients must send it as a bearer token. Absent: everybody may paint. */
  readonly apiKey?: string;
  readonly pictures?: PictureStore;
  /** Writes each request as a line of JSON. */
  readonly log?: boolean;
}

/**
 * A server that speaks the OpenAI images API: `POST /v1/images/generations`, `GET /v1/models`, `GET /v1/models/:id`;
 * besides these `GET /health`, and pictures by address. `close()` takes nothing more, waits for the picture that is being
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
    const png = pictures.get(params.name);
    if (!png) throw new ApiError(404, 'The picture is not there, or not any more.', { code: 'not_found' });
    return reply.type('image/png').header('cache-control', 'private, max-age=3600').send(png);
  });

  app.post('/v1/images/generations', async (request, reply) => {
    const asked = readImageRequest(request.body, limits);
    const name = shelf.find(asked.model);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const turn = <T>(work: () => Promise<T>): Promise<T> => inTurn(queue, gone.signal, work);
    if (asked.stream) {
      await streamed(asked, reply, (answer) => turn(() => paint(shelf, name, asked, gone.signal, answer)), gone.signal);
      return reply;
    }
    const painted = await turn(() => paint(shelf, name, asked, gone.signal));
    const [{ width, height } = { width: 0, height: 0 }] = painted;
    return {
      created: Math.floor(Date.now() / 1000),
      background: 'opaque',
      output_format: 'png',
      size: `${width}x${height}`,
      data: painted.map((one) => imageOf(one, asked, request, pictures)),
      usage: noUsage(),
    };
  });

  app.addHook('preClose', () => queue.close());
  app.addHook('onClose', () => shelf.drop());
  return app;
}

/** Streams pictures on the way, the picture, or the failure. */
async function streamed(
  asked: ImageRequest,
  reply: FastifyReply,
  run: (send: (painted: Painted, index: number) => void) => Promise<readonly Painted[]>,
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
  const event = (painted: Painted) => ({
    b64_json: painted.png.toString('base64'),
    created_at: Math.floor(Date.now() / 1000),
    background: 'opaque',
    output_format: 'png',
    quality: 'auto',
    size: `${painted.width}x${painted.height}`,
  });
  try {
    const [painted] = await run((partial, index) => {
      open().send({ type: 'image_generation.partial_image', partial_image_index: index, ...event(partial) });
    });
    if (painted) open().send({ type: 'image_generation.completed', usage: noUsage(), ...event(painted) });
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

function imageOf(
  painted: Painted,
  asked: ImageRequest,
  request: FastifyRequest,
  pictures: PictureStore,
): { readonly b64_json: string } | { readonly url: string } {
  if (asked.as === 'b64_json') return { b64_json: painted.png.toString('base64') };
  return { url: `${request.protocol}://${request.host}/v1/images/files/${pictures.put(painted.png)}` };
}

/** Nothing is metered here; clients that add up what they used get what they used. */
function noUsage() {
  const none = { image_tokens: 0, text_tokens: 0 };
  return { input_tokens: 0, output_tokens: 0, total_tokens: 0, input_tokens_details: none };
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
