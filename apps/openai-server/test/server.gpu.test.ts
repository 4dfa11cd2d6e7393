import { modelPath } from '@pleinair/demo-model';
import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import { decode } from 'fast-png';
import OpenAI, { toFile } from 'openai';
import { load } from 'pleinair';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ModelShelf } from '../src/model-shelf.js';
import { createServer } from '../src/server.js';

/** What is asked here is the server; SwiftShader would compile the whole model anew for it. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.skipIf(slow)('the official client against the demo model (asked of one adapter, not SwiftShader)', () => {
  const limits = { pictures: 2, pixels: 256 * 256, steps: 50 };
  const shelf = new ModelShelf(['demo'], (_, signal) => load(modelPath, { memory: 'resident', tune: 'off', signal }));
  const app = createServer({ shelf, limits, queue: 2 });
  let client: OpenAI;
  let address: string;

  beforeAll(async () => {
    address = await app.listen({ host: '127.0.0.1', port: 0 });
    client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 });
  });
  afterAll(() => app.close());

  it('gets the picture it asked for, with one on the way', async () => {
    const asked = { prompt: 'a snowy mountain under a full moon', stream: true, partial_images: 1, seed: 7, steps: 12 };
    const stream = (await client.images.generate(asked as never)) as unknown as AsyncIterable<{
      type: string;
      b64_json: string;
    }>;
    const pictures = new Map<string, Buffer>();
    for await (const { type, b64_json } of stream) pictures.set(type, Buffer.from(b64_json, 'base64'));
    expect([...pictures.keys()]).toEqual(['image_generation.partial_image', 'image_generation.completed']);
    const { width, height, data, channels } = decode(pictures.get('image_generation.completed')!);
    expect([width, height, channels]).toEqual([128, 128, 3]);
    const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? 255 : Number(data[Math.floor(i / 4) * 3 + (i % 4)]),
    );
    const found = checkAttributes(rgba, width, height);
    expect(matches({ terrain: 'mountain', season: 'winter', sky: 'moon' }, found), JSON.stringify(found)).toBe(true);
  });

  it('cancels by going away, and the next one is served and edited', async () => {
    const gone = new AbortController();
    const started = client.images.generate({ prompt: 'hills', quality: 'hd' }, { signal: gone.signal });
    const health = async () => (await (await fetch(`${address}/health`)).json()) as { running: number };
    await vi.waitFor(async () => expect((await health()).running).toBe(1), { timeout: 60_000, interval: 5 });
    gone.abort();
    await expect(started).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await vi.waitFor(async () => expect((await health()).running).toBe(0), { timeout: 60_000 });
    const { data } = await client.images.generate({ prompt: 'hills', steps: 1 } as never);
    expect(data).toHaveLength(1);

    // And worked on: what the mask has left transparent is painted anew, the rest stays as it was.
    const before = Buffer.from(data![0]!.b64_json!, 'base64');
    const alpha = Buffer.from(Array.from({ length: 128 * 128 }, (_, i) => (i % 128 < 64 ? 0 : 255)));
    const mask = await sharp(before)
      .joinChannel(alpha, { raw: { width: 128, height: 128, channels: 1 } })
      .png()
      .toBuffer();
    const files = { image: await toFile(before, 'a.png'), mask: await toFile(mask, 'b.png') };
    const edited = await client.images.edit({ prompt: 'a sea', ...files, seed: 3, steps: 2 } as never);
    const pixels = (png: Uint8Array): number[] => [...decode(png).data];
    const [old, now] = [pixels(before), pixels(Buffer.from(edited.data![0]!.b64_json!, 'base64'))];
    const changed = { left: 0, right: 0 };
    for (const [i, value] of now.entries()) {
      if (value !== old[i]) changed[Math.floor(i / 3) % 128 < 64 ? 'left' : 'right']++;
    }
    expect(changed.left).toBeGreaterThan(128 * 64);
    expect(changed.right).toBe(0);

    // As a whole, to the size that is asked for.
    const asked = { prompt: 'a sea', image: files.image, size: '256x256', output_format: 'jpeg', steps: 2 } as const;
    const { b64_json } = (await client.images.edit(asked)).data![0]!;
    const made = await sharp(Buffer.from(b64_json!, 'base64')).metadata();
    expect(made).toMatchObject({ format: 'jpeg', width: 256, height: 256 });
  });
});
