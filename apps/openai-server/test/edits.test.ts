import type { FastifyInstance } from 'fastify';
import OpenAI, { toFile } from 'openai';
import type { PictureInput } from 'pleinair';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelShelf } from '../src/model-shelf.js';
import { createServer } from '../src/server.js';
import { PretendPainter } from './pretend-painter.js';

const prompt = 'a lighthouse at dawn';
let painter: PretendPainter;
let app: FastifyInstance;
let address: string;
let client: OpenAI;

beforeEach(async () => {
  painter = new PretendPainter();
  const shelf = new ModelShelf(['demo'], async () => painter, { 'dall-e-2': 'demo', 'gpt-image-1': 'demo' });
  app = createServer({ shelf, limits: { pictures: 4, pixels: 64 * 64, steps: 50 }, queue: 1 });
  address = await app.listen({ host: '127.0.0.1', port: 0 });
  client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterEach(() => app.close());

/** A file of one colour, its left half transparent where `alpha` is 0. */
async function picture(format: 'png' | 'jpeg' | 'webp', alpha = 1, width = 32, height = 24) {
  const rgba = Buffer.alloc(4 * width * height);
  for (let i = 0; i < width * height; i++) rgba.set([200, 100, 0, i % width < width / 2 ? alpha * 255 : 255], 4 * i);
  const image = sharp(rgba, { raw: { width, height, channels: 4 } });
  return toFile(await image.toFormat(format).toBuffer(), `a.${format}`, { type: `image/${format}` });
}
const rgbaOf = (input: PictureInput | undefined): Uint8Array | Uint8ClampedArray => {
  if (input && 'rgba' in input) return input.rgba;
  throw new Error('expected pixels');
};
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
  );

describe('edits', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('begin with the picture that is sent: %s', async (format) => {
    const answer = await client.images.edit({ prompt, image: await picture(format), n: 2, quality: 'high' });
    expect(answer.data).toHaveLength(2);
    expect(answer.size).toBe('32x24');
    const [request] = painter.requests;
    expect(request).toMatchObject({ prompt, count: 2, width: 32, height: 24, steps: 6 });
    expect(request).toMatchObject({ image: { width: 32, height: 24 } });
    // Without a mask there is nothing to put back.
    expect([request!.mask, request!.strength, request!.pasteBack]).toEqual([undefined, undefined, undefined]);
    const [red = 0, green = 0, blue = 0, alpha] = rgbaOf(request!.image);
    expect(Math.max(Math.abs(red - 200), Math.abs(green - 100), blue)).toBeLessThan(8);
    expect(alpha).toBe(255);
  });

  it('paint where the mask is transparent, and nowhere else', async () => {
    const [image, mask] = [await picture('png'), await picture('png', 0)];
    await client.images.edit({ prompt, image, mask });
    const { mask: given, pasteBack } = painter.requests[0]!;
    expect(pasteBack).toBe(true);
    expect([...rgbaOf(given).subarray(0, 4)]).toEqual([255, 255, 255, 255]);
    expect([...rgbaOf(given).subarray(4 * 31, 4 * 32)]).toEqual([0, 0, 0, 255]);
  });

  it('take the picture’s own transparency for the mask where the model is the API’s oldest', async () => {
    const image = await picture('png', 0);
    const { data } = await client.images.edit({ prompt, image, model: 'dall-e-2' });
    expect(Object.keys(data![0]!)).toEqual(['url']);
    expect([...rgbaOf(painter.requests[0]!.mask).subarray(0, 3)]).toEqual([255, 255, 255]);
    await client.images.edit({ prompt, image, model: 'gpt-image-1' });
    expect(painter.requests[1]!.mask).toBeUndefined();
    expect([...rgbaOf(painter.requests[1]!.image).subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  it('keep more of the picture where that is asked for', async () => {
    const image = await picture('png');
    await client.images.edit({ prompt, image: [image], input_fidelity: 'high' });
    await client.images.edit({ prompt, image, strength: 0.25, seed: 3 } as never);
    expect(painter.requests).toMatchObject([{ strength: 0.5 }, { strength: 0.25, seed: 3 }]);
  });

  it('are painted near the model’s own size in the picture’s proportions', async () => {
    const answer = await client.images.edit({ prompt, image: await picture('png', 1, 2400, 1200) });
    // Sides beyond 2048 pixels are brought down at once.
    expect(painter.requests[0]).toMatchObject({ width: 40, height: 16, image: { width: 2048, height: 1024 } });
    expect(answer.size).toBe('40x16');
    const asked = { prompt, image: await picture('png'), size: '64x64' };
    expect((await client.images.edit(asked)).size).toBe('64x64');
  });

  it('come in a stream', async () => {
    const asked = { prompt, image: await picture('png'), stream: true, partial_images: 1 } as const;
    const types: string[] = [];
    for await (const { type } of await client.images.edit(asked)) types.push(type);
    expect(types).toEqual(['image_edit.partial_image', 'image_edit.completed']);
  });

  it.each([
    ['prompt', { prompt: '' }],
    ['n', { n: 9 }],
    ['input_fidelity', { input_fidelity: 'medium' }],
    ['strength', { strength: 2 }],
    ['colour', { colour: 'red' }],
    ['mask', { mask: 'a text' }],
  ])('are refused with a 400 that names %s: %j', async (param, fields) => {
    const failure = await failureOf(client.images.edit({ prompt, image: await picture('png'), ...fields } as never));
    expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
    expect(failure).toMatchObject({ param });
    expect(painter.requests).toEqual([]);
  });

  it('are refused where files are not what they should be', async () => {
    const image = await picture('png');
    const svg = await toFile(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'a.png');
    const broken = await toFile(Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]), 'a.png');
    const param = async (asked: Partial<OpenAI.ImageEditParamsNonStreaming>) =>
      (await failureOf(client.images.edit({ prompt, image, ...asked })))?.param;
    expect(await param({ image: svg })).toBe('image');
    expect(await param({ image: broken })).toBe('image');
    expect(await param({ image: [image, image] })).toBe('image');
    expect(await param({ mask: image })).toBe('mask'); // nothing in it is transparent
    expect(await param({ mask: await picture('png', 0, 16, 16) })).toBe('mask');
    const post = (body: string, type: string) =>
      fetch(`${address}/v1/images/edits`, { method: 'POST', body, headers: { 'content-type': type } });
    expect((await post('{}', 'application/json')).status).toBe(400);
    expect((await post('x', 'multipart/form-data; boundary=y')).status).toBe(400);
    expect((await post('--y--', 'multipart/form-data; boundary=y')).status).toBe(400);
    expect(painter.requests).toEqual([]);
  });
});
