import { HubInNode } from '@pleinair/testing/hub-in-node';
import type { DownloadProgress } from '@pleinair/weights';
import { expect, it } from 'vitest';
import { openPlace } from './source.js';

it('opens a model of the Hub in a browser: looked at over the net, or downloaded once and kept', async () => {
  const hub = await HubInNode.start();
  const storageFolder = `test-${crypto.randomUUID()}`;
  try {
    await hub.publish('some/model', {
      'model_index.json': '{"_class_name":"X","unet":["diffusers","UNet2DConditionModel"]}',
      'unet/config.json': '{"of":"the Hub"}',
      'unet/model.safetensors': Uint8Array.from({ length: 400_000 }, (_, i) => i * 7),
    });
    const options = { endpoint: hub.endpoint, storageFolder };
    const looked = await openPlace('some/model', { hub: { ...options, download: 'none' } });
    expect(await looked.readJson('unet/config.json')).toEqual({ of: 'the Hub' });
    expect([...(await looked.readRange('unet/model.safetensors', 10, 12))]).toEqual([70, 77]);

    const reports: DownloadProgress[] = [];
    const kept = await openPlace('some/model', { hub: options, onDownload: (report) => reports.push(report) });
    expect(reports.at(-1)!.loadedBytes).toBe(reports.at(-1)!.totalBytes);
    const { log } = await hub.seen();
    expect([...(await kept.readRange('unet/model.safetensors', 399_999, 400_000))]).toEqual([(399_999 * 7) & 255]);
    expect(await (await openPlace('some/model', { hub: options })).readJson('unet/config.json')).toEqual({
      of: 'the Hub',
    });
    expect((await hub.seen()).log).toEqual(log);
  } finally {
    await hub.stop();
    const root = await navigator.storage.getDirectory();
    await root.removeEntry(storageFolder, { recursive: true });
  }
});
