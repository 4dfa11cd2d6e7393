import type { Component } from '@pleinair/weights';

/** Tensors that are looked into, spread over the part, and bytes of each. */
const sampledTensors = 64;
const sampledBytes = 1024;

/**
 * Tells a part's weights from those of another training, without reading them all: SHA-256 over every tensor's name, dtype
 * and shape and the first bytes of some. Half-done analyses are held against it.
 *
 * @returns Hexadecimal.
 * @throws What reading throws.
 */
export async function fingerprintOf(component: Component, signal?: AbortSignal): Promise<string> {
  const entries = [...component.entries.values()];
  const names = entries.map(({ name, dtype, shape }) => `${name} ${dtype} ${shape.join()}`).join('\n');
  const step = Math.max(1, entries.length / sampledTensors);
  const pieces: BlobPart[] = [names];
  for (let at = 0; at < entries.length; at += step) {
    const { file, begin, end } = entries[Math.floor(at)]!;
    if (end > begin) {
      pieces.push(await file.source.readRange(file.path, begin, Math.min(end, begin + sampledBytes), { signal }));
    }
  }
  const digest = await crypto.subtle.digest('SHA-256', await new Blob(pieces).arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
