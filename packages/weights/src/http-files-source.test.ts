import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileServer } from '../test/file-server.js';
import { WeightError } from './errors.js';
import { httpFilesSource } from './http-files-source.js';

const data = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) ^ (i >> 8));
let server: FileServer;
let address: string;

beforeEach(async () => {
  server = new FileServer(new Map([['assets/weights-1a2b.safetensors', data]]));
  address = await server.start();
});
afterEach(() => server.stop());

const files = () => ({
  'unet/weights.safetensors': new URL('assets/weights-1a2b.safetensors', `${address}/`),
  'unet/gone.safetensors': new URL('assets/gone', `${address}/`).href,
  'unet/config.json': 'data:application/json;base64,eyJhIjoxfQ==',
});

describe('files by address', () => {
  it('are read by the path they stand for, ranges too', async () => {
    const source = httpFilesSource(files());
    expect(await source.size('unet/weights.safetensors')).toBe(data.length);
    expect(await source.readRange('unet/weights.safetensors', 17, 4000)).toEqual(data.slice(17, 4000));
  });

  it('may be written into the page itself', async () => {
    const source = httpFilesSource(files());
    expect(await source.exists('unet/config.json')).toBe(true);
    expect(await source.readJson('unet/config.json')).toEqual({ a: 1 });
    expect(await source.readRange('unet/config.json', 1, 4)).toEqual(new TextEncoder().encode('"a"'));
  });

  it('that are not named, or not on the server, are not there', async () => {
    const source = httpFilesSource(files());
    expect(await source.exists('vae/config.json')).toBe(false);
    expect(await source.exists('unet/gone.safetensors')).toBe(false);
    await expect(source.readText('vae/config.json')).rejects.toMatchObject({ code: 'weights/missing-file' });
  });

  it('must have an address that can be fetched', () => {
    expect(() => httpFilesSource({ 'unet/config.json': 'file:///tmp/config.json' })).toThrow(WeightError);
    expect(() => httpFilesSource({ 'unet/config.json': 'not an address' })).toThrow(/unet\/config\.json/);
  });
});
