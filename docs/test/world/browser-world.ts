import { modelFiles } from '@pleinair/demo-model/files';
import { HubInNode } from '@pleinair/testing/hub-in-node';
import { encodeSafetensors, httpFilesSource } from '@pleinair/weights';
import { fetchedCheckpointNames } from '../../../packages/weights/test/fetched-checkpoint-names.js';
import { dreamscapeTensors } from './dreamscape.js';

interface HubAndFolder {
  readonly endpoint: string;
  readonly folder: string;
}
const holder = globalThis as { pleinairSampleHub?: HubAndFolder };

/** The Hub that samples ask, and where they keep models. */
export function sampleHub(): HubAndFolder {
  if (!holder.pleinairSampleHub) throw new Error('no Hub was opened for samples');
  return holder.pleinairSampleHub;
}

/** Opens a Hub that has `owner/name`, the demo model. */
export async function openSampleHub(): Promise<{ close(): Promise<void> }> {
  const hub = await HubInNode.start();
  const folder = `samples-${crypto.randomUUID()}`;
  const files = Object.entries(modelFiles).map(
    async ([path, address]) => [path, new Uint8Array(await (await fetch(address)).arrayBuffer())] as const,
  );
  await hub.publish('owner/name', Object.fromEntries(await Promise.all(files)));
  holder.pleinairSampleHub = { endpoint: hub.endpoint, folder };
  return {
    async close() {
      delete holder.pleinairSampleHub;
      await hub.stop();
      const root = await navigator.storage.getDirectory();
      await root.removeEntry(folder, { recursive: true }).catch(() => undefined);
    },
  };
}

/** A file of the demo model, as bytes with a name. */
export async function demoFile(path: string): Promise<File> {
  return new File([await (await fetch(modelFiles[path]!)).blob()], path.replace(/^.*\//, ''));
}

/** The demo model as a folder that a visitor has chosen from the disk. */
export async function chosenFolder(): Promise<HTMLInputElement> {
  const files = Object.keys(modelFiles).map(async (path) =>
    // Only a chooser can set it.
    Object.defineProperty(await demoFile(path), 'webkitRelativePath', { value: `my-sdxl/${path}` }),
  );
  return { files: await Promise.all(files) } as unknown as HTMLInputElement;
}

/** A checkpoint as one file that a visitor has dropped on the page. */
export async function droppedFile(): Promise<File> {
  const names = await fetchedCheckpointNames();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const tensors = await dreamscapeTensors(names['demo-model'], httpFilesSource(modelFiles));
  for await (const piece of encodeSafetensors(tensors)) pieces.push(piece.slice());
  return new File(pieces, 'Dream Shaper v8.safetensors');
}

/** A canvas in an otherwise empty page. */
export function emptyPage(): void {
  document.body.replaceChildren(document.createElement('canvas'));
}

/** Throws unless something was painted on the page's canvas. */
export function expectPainted(): void {
  const { width, height } = document.querySelector('canvas')!;
  const { data } = document.querySelector('canvas')!.getContext('2d')!.getImageData(0, 0, width, height);
  if (new Set(data).size < 32) throw new Error(`expected a picture on the canvas, got ${new Set(data).size} shades`);
}
