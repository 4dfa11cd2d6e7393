import { DeviceLostError, ShapeError } from '@pleinair/tensor';
import { WeightError } from '@pleinair/weights';
import type { FastifyInstance } from 'fastify';
import OpenAI from 'openai';
import { readPictureSettings, readPngText } from 'pleinair';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ModelShelf } from '../src/model-shelf.js';
import { createServer, type ServerOptions } from '../src/server.js';
import { PretendPainter } from './pretend-painter.js';

const limits = { pictures: 4, pixels: 64 * 64, steps: 50 };
const prompt = 'a lighthouse at dawn';
let painter: PretendPainter;
let opened: string[];
let app: FastifyInstance;
let address: string;
let client: OpenAI;

async function start(options: Partial<ServerOptions> = {}, aliases: Record<string, string> = {}): Promise<void> {
  painter = new PretendPainter();
  opened = [];
  const open = async (name: string) => {
    opened.push(name);
    return painter;
  };
  app = createServer({ shelf: new ModelShelf(['demo', 'sdxl'], open, aliases), limits, queue: 1, ...options });
  address = await app.listen({ host: '127.0.0.1', port: 0 });
  client = new OpenAI({ baseURL: `${address}/v1`, apiKey: options.apiKey ?? 'none', maxRetries: 0 });
}

beforeEach(() => start());
afterEach(() => app.close());

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
  );
/** Long, for machines with other work; nothing waits that long that goes well. */
const patience = { timeout: 20_000, interval: 5 };
const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), patience);
const health = async () => (await (await fetch(`${address}/health`)).json()) as { running: number; waiting: number };
const restart = async (...args: Parameters<typeof start>) => {
  await app.close();
  await start(...args);
};

describe('pictures', () => {
  it('come as base64, one unless more are asked for, with their settings inside', async () => {
    const { data, size, created } = await client.images.generate({ prompt, n: 2, size: '32x24' });
    expect(data).toHaveLength(2);
    expect(size).toBe('32x24');
    expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60);
    const texts = data!.map(({ b64_json }) => readPngText(Buffer.from(b64_json!, 'base64')));
    expect(texts.map((text) => readPictureSettings(text))).toMatchObject([
      { prompt, seed: 11, width: 32, height: 24 },
      { prompt, seed: 12 },
    ]);
    expect(painter.requests[0]).toMatchObject({ prompt, count: 2, width: 32, height: 24, steps: 4 });
  });

  it('come by address where that is asked for', async () => {
    const { data } = await client.images.generate({ prompt, response_format: 'url' });
    expect(Object.keys(data![0]!)).toEqual(['url']);
    expect(data![0]!.url).toMatch(new RegExp(`^${address}/v1/images/files/`));
    const response = await fetch(data![0]!.url!);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(readPictureSettings(readPngText(new Uint8Array(await response.arrayBuffer())))).toMatchObject({ prompt });
    expect((await fetch(`${address}/v1/images/files/other.png`)).status).toBe(404);
  });

  it('come at an address that a proxy is reached by', async () => {
    await restart({ publicUrl: 'https://pictures.example.org/api' });
    const { data } = await client.images.generate({ prompt, response_format: 'url', output_format: 'webp' });
    expect(data![0]!.url).toMatch(/^https:\/\/pictures\.example\.org\/api\/v1\/images\/files\/[-\da-f]{36}\.webp$/);
    const response = await fetch(data![0]!.url!.replace('https://pictures.example.org/api', address));
    expect(response.headers.get('content-type')).toBe('image/webp');
  });

  it.each([
    ['dall-e-3', ['revised_prompt', 'url']],
    ['dall-e-2', ['url']],
    ['gpt-image-1', ['b64_json']],
    ['demo', ['b64_json']],
    // Clients written for the API's default of then and of now both find their field.
    [undefined, ['b64_json', 'url']],
  ])('come as clients of %s expect them: %j', async (model, fields) => {
    await restart({}, { 'dall-e-2': 'demo', 'dall-e-3': 'demo', 'gpt-image-1': 'demo' });
    const { data } = await client.images.generate({ prompt, model });
    expect(Object.keys(data![0]!)).toEqual(fields);
    expect((await client.images.generate({ prompt, model, response_format: 'b64_json' })).data![0]).toHaveProperty(
      'b64_json',
    );
  });

  it.each(['jpeg', 'webp'] as const)('come as %s, compressed as asked, with their settings', async (format) => {
    const asked = { prompt, output_format: format, size: '32x24' } as const;
    const files: Buffer[] = [];
    for (const output_compression of [undefined, 20]) {
      const answer = await client.images.generate({ ...asked, output_compression });
      expect(answer.output_format).toBe(format);
      files.push(Buffer.from(answer.data![0]!.b64_json!, 'base64'));
    }
    const [best, small] = files as [Buffer, Buffer];
    expect(small.length).toBeLessThan(best.length);
    const { exif, ...found } = await sharp(best).metadata();
    expect(found).toMatchObject({ format, width: 32, height: 24 });
    expect(exif!.toString('latin1')).toContain(`${prompt}\nSteps: 4, Sampler: euler`);
    // What the painter drew, within what the best quality loses.
    const { data } = await sharp(best).raw().toBuffer({ resolveWithObject: true });
    expect(Math.abs(data[0]! - 250)).toBeLessThan(6);
    expect(Math.abs(data[31 * 3]! - (250 - (200 * 31) / 32))).toBeLessThan(6);
  });

  it('at sizes far from the model’s own are painted near that and resampled', async () => {
    const { data, size } = await client.images.generate({ prompt, size: '64x64', output_format: 'webp' } as never);
    expect(painter.requests[0]).toMatchObject({ width: 24, height: 24 });
    expect(size).toBe('64x64');
    const file = Buffer.from(data![0]!.b64_json!, 'base64');
    expect(await sharp(file).metadata()).toMatchObject({ width: 64, height: 64 });
    await client.images.generate({ prompt, size: 'auto' });
    expect(painter.requests[1]).toMatchObject({ width: 32, height: 24 });
    await restart({ sizes: 'exact' });
    await client.images.generate({ prompt, size: '64x64' } as never);
    expect(painter.requests[0]).toMatchObject({ width: 64, height: 64 });
  });

  it('take quality as a share of steps, and the parameters that the API lacks', async () => {
    await client.images.generate({ prompt, quality: 'high', user: 'someone', moderation: 'low', style: 'vivid' });
    const own = { seed: 5, steps: 3, guidance: 2.5, scheduler: 'ddim', negative_prompt: 'fog' };
    await client.images.generate({ prompt, ...own });
    expect(painter.requests[0]).toMatchObject({ steps: 6 });
    expect(painter.requests[1]).toMatchObject({
      seed: 5,
      steps: 3,
      guidance: 2.5,
      scheduler: 'ddim',
      negativePrompt: 'fog',
    });
  });

  it('come in a stream, with partial ones before', async () => {
    const stream = await client.images.generate({ prompt, stream: true, partial_images: 2, steps: 6 } as never);
    const events: { type: string; partial_image_index?: number; b64_json: string; usage?: unknown }[] = [];
    for await (const event of stream as unknown as AsyncIterable<(typeof events)[number]>) events.push(event);
    expect(events.map(({ type, partial_image_index }) => [type, partial_image_index])).toEqual([
      ['image_generation.partial_image', 0],
      ['image_generation.partial_image', 1],
      ['image_generation.completed', undefined],
    ]);
    for (const { b64_json } of events) expect(Buffer.from(b64_json, 'base64').subarray(1, 4).toString()).toBe('PNG');
    expect(events[2]!.usage).toMatchObject({ total_tokens: 0 });
  });

  it('come in a stream one after the other where more are asked for, in the format that is asked for', async () => {
    const asked = { prompt, n: 2, stream: true, partial_images: 1, output_format: 'jpeg' } as const;
    const events: string[][] = [];
    for await (const event of await client.images.generate(asked)) {
      const { format } = await sharp(Buffer.from(event.b64_json, 'base64')).metadata();
      const index = 'partial_image_index' in event ? event.partial_image_index : '';
      events.push([event.type, String(index), event.output_format, format]);
    }
    const both = [
      ['image_generation.partial_image', '0', 'jpeg', 'jpeg'],
      ['image_generation.completed', '', 'jpeg', 'jpeg'],
    ];
    expect(events).toEqual([...both, ...both]);
  });
});

describe('models', () => {
  it('are listed, and found by alias', async () => {
    await restart({}, { 'dall-e-3': 'sdxl' });
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['demo', 'sdxl', 'dall-e-3']);
    expect(await client.models.retrieve('sdxl')).toMatchObject({ id: 'sdxl', object: 'model' });
    await client.images.generate({ prompt, model: 'dall-e-3' });
    expect(opened).toEqual(['sdxl']);
  });

  it('take turns on the GPU', async () => {
    for (const model of ['demo', 'demo', 'sdxl', undefined]) await client.images.generate({ prompt, model });
    expect(opened).toEqual(['demo', 'sdxl', 'demo']);
    expect(painter.disposed).toBe(2);
  });

  it('that are unknown are a 404 which names the known ones', async () => {
    const failure = await failureOf(client.images.generate({ prompt, model: 'gpt-image-2' }));
    expect(failure).toBeInstanceOf(OpenAI.NotFoundError);
    expect(failure).toMatchObject({ code: 'model_not_found', param: 'model' });
    expect(failure!.message).toContain('demo, sdxl');
    expect(await failureOf(client.models.retrieve('gpt-image-2'))).toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('what cannot be', () => {
  it.each([
    ['prompt', { prompt: '' }],
    ['n', { n: 5 }],
    ['n', { n: 1.5 }],
    ['size', { size: '33x32' }],
    ['size', { size: 'large' }],
    ['size', { size: '128x128' }],
    ['response_format', { response_format: 'file' }],
    ['response_format', { response_format: 'url', stream: true }],
    ['output_format', { output_format: 'gif' }],
    ['output_compression', { output_compression: 80 }],
    ['output_compression', { output_compression: 101, output_format: 'jpeg' }],
    ['background', { background: 'transparent' }],
    ['quality', { quality: 'best' }],
    ['quality', { quality: 'constructor' }],
    ['partial_images', { partial_images: 1 }],
    ['partial_images', { partial_images: 4, stream: true }],
    ['steps', { steps: 51 }],
    ['guidance', { guidance: 'much' }],
  ])('is a 400 that names %s: %j', async (param, fields) => {
    const failure = await failureOf(client.images.generate({ prompt, ...fields } as never));
    expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
    expect(failure).toMatchObject({ param, type: 'invalid_request_error' });
    expect(failure!.message).toContain('expected');
    expect(painter.requests).toEqual([]);
  });

  it.each(['negativ_prompt', 'cfg_scale', 'constructor'])('is a parameter nobody knows: %s', async (name) => {
    const failure = await failureOf(client.images.generate({ prompt, [name]: 'x' } as never));
    expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
    expect(failure).toMatchObject({ param: name, code: 'unknown_parameter', type: 'invalid_request_error' });
    expect(painter.requests).toEqual([]);
  });

  it('is an address of a picture by a model that never gives one', async () => {
    await restart({}, { 'gpt-image-1': 'demo' });
    const asked = { prompt, model: 'gpt-image-1', response_format: 'url' } as const;
    expect(await failureOf(client.images.generate(asked))).toMatchObject({ status: 400, param: 'response_format' });
  });

  it('is told in the same shape where the body or the address is wrong', async () => {
    const post = (body: string, headers = { 'content-type': 'application/json' }) =>
      fetch(`${address}/v1/images/generations`, { method: 'POST', body, headers });
    const answers = [await post('{'), await post('[]'), await post('x'.repeat(300_000)), await fetch(`${address}/v2`)];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 413, 404]);
    for (const answer of answers) {
      expect(await answer.json()).toMatchObject({
        error: { message: expect.any(String), type: 'invalid_request_error' },
      });
      expect(answer.headers.get('x-request-id')).toBeTruthy();
    }
  });

  it('for the model is a 400 with its own code; what fails inside is a 500', async () => {
    painter.failure = new ShapeError('shape/size', 'generate: expected multiples of 8, got 7. Round it.');
    expect(await failureOf(client.images.generate({ prompt }))).toMatchObject({ status: 400, code: 'shape/size' });
    painter.failure = new Error('a secret path');
    const failure = await failureOf(client.images.generate({ prompt }));
    expect(failure).toMatchObject({ status: 500, code: 'internal_error', type: 'server_error' });
    expect(failure!.message).not.toContain('secret');
  });

  it('is a model that cannot be opened: a 500 that names no place of this machine', async () => {
    const missing = new WeightError(
      'weights/missing-file',
      'model_index.json: expected it in /a/secret/path, got none.',
    );
    const shelf = new ModelShelf(['demo'], () => Promise.reject(missing));
    await restart({ shelf });
    const failure = await failureOf(client.images.generate({ prompt }));
    expect(failure).toMatchObject({ status: 500, code: 'weights/missing-file', type: 'server_error' });
    expect(failure!.message).not.toContain('secret');
  });

  it('is over after a lost device: the model is opened anew', async () => {
    await client.images.generate({ prompt });
    painter.failure = new DeviceLostError('unknown', 'gone');
    expect(await failureOf(client.images.generate({ prompt }))).toMatchObject({ status: 503, code: 'device/lost' });
    await client.images.generate({ prompt });
    expect(opened).toEqual(['demo', 'demo']);
    expect(painter.disposed).toBe(1);
  });

  it('is an event where the answer has begun', async () => {
    painter.failureInMidRun = new ShapeError('shape/mismatch', 'attention: expected 64, got 63. Report it.');
    const stream = await client.images.generate({ prompt, stream: true, partial_images: 3 });
    const types: string[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const { type } of stream) types.push(type);
      })(),
    );
    expect(types).toEqual(['image_generation.partial_image']);
    expect(failure).toMatchObject({ code: 'shape/mismatch' });
  });
});

describe('the queue', () => {
  it('paints in order, one at a time, and turns away what would wait too long', async () => {
    const release = painter.hold();
    const first = client.images.generate({ prompt: 'one' });
    await until(() => painter.requests.length === 1);
    const second = client.images.generate({ prompt: 'two' });
    await vi.waitFor(async () => expect(await health()).toMatchObject({ running: 1, waiting: 1 }), patience);
    const failure = await failureOf(client.images.generate({ prompt: 'three' }));
    expect(failure).toBeInstanceOf(OpenAI.RateLimitError);
    expect(failure).toMatchObject({ code: 'rate_limit_exceeded' });
    expect(failure!.headers!.get('retry-after')).toBe('2');
    release();
    await Promise.all([first, second]);
    expect(painter.requests.map((request) => request.prompt)).toEqual(['one', 'two']);
  });

  it('forgets a client that goes, whether it waits or is painted for', async () => {
    painter.hold();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = failureOf(client.images.generate({ prompt: 'one' }, { signal: running.signal }));
    await until(() => painter.requests.length === 1);
    const second = failureOf(client.images.generate({ prompt: 'two' }, { signal: waiting.signal }));
    await vi.waitFor(async () => expect((await health()).waiting).toBe(1), patience);
    waiting.abort();
    await vi.waitFor(async () => expect(await health()).toMatchObject({ running: 1, waiting: 0 }), patience);
    running.abort();
    await vi.waitFor(async () => expect(await health()).toMatchObject({ running: 0, waiting: 0 }), patience);
    expect(await first).toBeInstanceOf(OpenAI.APIUserAbortError);
    expect(await second).toBeInstanceOf(OpenAI.APIUserAbortError);
    expect(painter.cancelled).toBe(1);
    expect(painter.requests).toHaveLength(1);
  });

  it('stops a stream whose reader goes', async () => {
    const stream = await client.images.generate({ prompt, stream: true, partial_images: 3, steps: 8 } as never);
    painter.hold();
    for await (const _ of stream as unknown as AsyncIterable<unknown>) break;
    await vi.waitFor(async () => expect(await health()).toMatchObject({ running: 0 }), patience);
  });

  it('is closed gently: what is painted is finished, what waits is told, the GPU is freed', async () => {
    const release = painter.hold();
    const first = client.images.generate({ prompt: 'one' });
    await until(() => painter.requests.length === 1);
    const second = failureOf(client.images.generate({ prompt: 'two' }));
    await vi.waitFor(async () => expect((await health()).waiting).toBe(1), patience);
    const closed = app.close();
    expect(await second).toMatchObject({ status: 503, code: 'shutting_down' });
    release();
    expect((await first).data).toHaveLength(1);
    await closed;
    expect(painter.disposed).toBe(1);
  });
});

describe('a key', () => {
  it('is needed where one is set, but not for health and for pictures by address', async () => {
    await restart({ apiKey: 'right' });
    const { data } = await client.images.generate({ prompt, response_format: 'url' });
    expect((await fetch(data![0]!.url!)).status).toBe(200);
    expect((await health()).running).toBe(0);
    const other = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'wrong', maxRetries: 0 });
    const failure = await failureOf(other.images.generate({ prompt }));
    expect(failure).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(failure).toMatchObject({ code: 'invalid_api_key' });
    expect((await fetch(`${address}/v1/models`)).status).toBe(401);
  });
});
