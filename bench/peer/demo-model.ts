import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { BenchContext } from '../suites/context.js';

/** The demo model's part in the peer, or why it is not there. */
export type PeerPart = { readonly session: InferenceSession; readonly note?: undefined } | { readonly note: string };

/** Opens a part of the demo model that tools/reference/onnx_models.py has exported; nothing when no peer is wanted. */
export async function openPeerPart(
  { runtime, root, dtype }: BenchContext,
  part: 'unet' | 'vae-decoder',
): Promise<PeerPart | undefined> {
  if (!runtime) return undefined;
  const half = dtype === 'f16';
  const file = join(root, '.cache', 'bench', `demo-${part}${half ? '-f16' : ''}.onnx`);
  if (!existsSync(file)) {
    return { note: `no peer: first python tools/reference/onnx_models.py${half ? ' --half' : ''}` };
  }
  // Exported models carry sums of sizes, which the provider leaves to the CPU.
  return { session: await runtime.open(file, { onGpuOnly: false }) };
}
