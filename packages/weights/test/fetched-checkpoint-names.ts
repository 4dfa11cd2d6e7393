import type { ModelNames, NamedModel } from './checkpoint-names.js';

/** `checkpointNames` in a page that the repository is served to. */
export async function fetchedCheckpointNames(): Promise<Readonly<Record<NamedModel, ModelNames>>> {
  const packed = await fetch('/packages/testing/goldens/checkpoint-names.json.gz');
  const bytes = new Uint8Array(await packed.arrayBuffer());
  // Servers may say that it is packed, and it then comes unpacked.
  const text =
    bytes[0] === 0x1f
      ? new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')))
      : new Response(bytes);
  return (await text.json()) as Record<NamedModel, ModelNames>;
}
