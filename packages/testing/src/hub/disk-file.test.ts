import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DiskFile } from './disk-file.js';
import { HubServer } from './hub-server.js';

const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) >>> 8);
/** Compared so, as millions of elements one by one outlast a connection. */
const digest = (of: Uint8Array): string => createHash('sha256').update(of).digest('hex');
const hub = new HubServer();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'disk-file-'));
  await hub.start();
});
afterEach(async () => {
  await hub.stop();
  await rm(folder, { recursive: true });
});

async function fileOf(name: string, content: Uint8Array): Promise<DiskFile> {
  await writeFile(join(folder, name), content);
  return DiskFile.open(join(folder, name));
}

it('is listed and sent as what lies in memory is, whole or in part', async () => {
  const [inMemory, onDisk] = [
    hub.publish('a/memory', { 'model.safetensors': bytes }),
    hub.publish('a/disk', { 'model.safetensors': await fileOf('m', bytes) }),
  ];
  expect(onDisk.tree).toEqual(inMemory.tree);
  const ask = async (range?: string): Promise<[number, string | null, string]> => {
    const headers = range === undefined ? undefined : { Range: `bytes=${range}` };
    const response = await fetch(`${hub.endpoint}/a/disk/resolve/main/model.safetensors`, { headers });
    return [
      response.status,
      response.headers.get('content-range'),
      digest(new Uint8Array(await response.arrayBuffer())),
    ];
  };
  expect(await ask()).toEqual([200, null, digest(bytes)]);
  expect(await ask('1000000-2999998')).toEqual([206, 'bytes 1000000-2999998/3000000', digest(bytes.slice(1e6, -1))]);
  expect(await ask('2999999-')).toEqual([206, 'bytes 2999999-2999999/3000000', digest(bytes.slice(-1))]);
  expect(hub.bytesSent).toBe(3_000_000 + 1_999_999 + 1);
});

it('may be empty', async () => {
  hub.publish('a/empty', { 'empty.safetensors': await fileOf('e', new Uint8Array()) });
  const response = await fetch(`${hub.endpoint}/a/empty/resolve/main/empty.safetensors`);
  expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
});
