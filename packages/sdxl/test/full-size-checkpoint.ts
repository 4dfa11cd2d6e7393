import { mkdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { seededWeight } from '@pleinair/testing';
import type { TensorToWrite } from '@pleinair/weights';
import { writeSafetensors } from '@pleinair/weights/node';
import { sdxlBaseFiles } from '../src/presets.js';

/** Where the model is written: a few gigabytes, ignored by git. */
export const fullSizeFolder = fileURLToPath(new URL('../../../.cache/full-size', import.meta.url));

/** Bytes of a shard, as far as whole tensors allow. */
const shardBytes = 1_000_000_000;
/** Elements made and written at a time. */
const pieceElements = 4 * 2 ** 20;

/** A file of the checkpoint and what lies in it. */
interface Shard {
  readonly file: string;
  readonly tensors: readonly TensorToWrite[];
  readonly bytes: number;
}

/** Names and shapes of the official UNet's tensors, in diffusers' order. */
export async function fullSizeNames(): Promise<ReadonlyMap<string, readonly number[]>> {
  const path = new URL('../../testing/goldens/sdxl-base-names.json', import.meta.url);
  const { unet } = JSON.parse(await readFile(path, 'utf8')) as { unet: Record<string, number[]> };
  return new Map(Object.entries(unet));
}

/** Why there is no room to write the checkpoint, or undefined where there is. What is written already counts as room. */
export async function whyNoRoom(names: ReadonlyMap<string, readonly number[]>): Promise<string | undefined> {
  await mkdir(join(fullSizeFolder, 'unet'), { recursive: true });
  const shards = planShards(names);
  const written = await Promise.all(shards.map((shard) => isWritten(shard)));
  const missing = shards.reduce((sum, { bytes }, i) => sum + (written[i] ? 0 : bytes), 0);
  const { bavail, bsize } = await statfs(fullSizeFolder);
  const [needed, free] = [(missing + 1e9) / 1e9, (bavail * bsize) / 1e9];
  if (needed <= free) return undefined;
  return `needs ${needed.toFixed(1)} GB of disk for a full-size checkpoint, and ${free.toFixed(1)} GB are free in ${fullSizeFolder}`;
}

/**
 * Writes SDXL base's UNet with seeded weights as a checkpoint: fp16, sharded, as diffusers' `save_pretrained` with
 * `variant="fp16"` lays it out. Shards that are there already are kept, so a run that was cut short goes on.
 */
export async function writeFullSizeUNet(names: ReadonlyMap<string, readonly number[]>): Promise<void> {
  const folder = join(fullSizeFolder, 'unet');
  await mkdir(folder, { recursive: true });
  const shards = planShards(names);
  for (const shard of shards) {
    if (await isWritten(shard)) continue;
    const started = performance.now();
    await writeSafetensors(join(folder, shard.file), shard.tensors);
    const seconds = (performance.now() - started) / 1000;
    console.log(`wrote ${shard.file}: ${(shard.bytes / 1e9).toFixed(2)} GB in ${seconds.toFixed(1)} s`);
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify(sdxlBaseFiles.unet));
  const index = {
    metadata: { total_size: shards.reduce((sum, { bytes }) => sum + bytes, 0) },
    weight_map: Object.fromEntries(shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file]))),
  };
  await writeFile(join(folder, 'diffusion_pytorch_model.safetensors.index.fp16.json'), JSON.stringify(index));
}

/** Deletes the checkpoint, unless PLEINAIR_KEEP_CACHE asks to keep it for the next run. */
export async function removeFullSizeUNet(): Promise<void> {
  if (process.env['PLEINAIR_KEEP_CACHE']) console.log(`kept ${fullSizeFolder} (PLEINAIR_KEEP_CACHE is set)`);
  else await rm(fullSizeFolder, { recursive: true, force: true });
}

function planShards(names: ReadonlyMap<string, readonly number[]>): Shard[] {
  const groups: { tensors: TensorToWrite[]; bytes: number }[] = [];
  for (const [name, shape] of names) {
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    const last = groups.at(-1);
    const tensor: TensorToWrite = { name, dtype: 'F16', shape, data: () => pieces(name, shape) };
    if (last && last.bytes + bytes <= shardBytes) {
      last.tensors.push(tensor);
      last.bytes += bytes;
    } else groups.push({ tensors: [tensor], bytes });
  }
  const number = (n: number) => String(n).padStart(5, '0');
  return groups.map(({ tensors, bytes }, i) => ({
    tensors,
    bytes,
    file: `diffusion_pytorch_model.fp16-${number(i + 1)}-of-${number(groups.length)}.safetensors`,
  }));
}

/** A tensor's values in one reused piece of memory: each is written before the next is asked for. */
function* pieces(name: string, shape: readonly number[]): Generator<Uint16Array<ArrayBuffer>> {
  const fill = seededWeight(name, shape);
  const count = shape.reduce((a, b) => a * b, 1);
  const memory = new Uint16Array(Math.min(count, pieceElements));
  for (let first = 0; first < count; first += memory.length) {
    const piece = memory.subarray(0, Math.min(memory.length, count - first));
    fill(piece, first);
    yield piece;
  }
}

/** Shards are renamed into place when they are whole, so one that is there and holds its tensors is complete. */
async function isWritten({ file, bytes }: Shard): Promise<boolean> {
  const entry = await stat(join(fullSizeFolder, 'unet', file)).catch(() => undefined);
  return entry !== undefined && entry.size > bytes;
}
