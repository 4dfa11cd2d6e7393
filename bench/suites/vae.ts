import { decoderGraph, readVaeConfig, vaeFactor } from '@pleinair/diffusion';
import { inputValues, stored, timeLinks, toResult, type BenchResult } from '@pleinair/bench';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import { loadPart, repeated, segmentWork } from '../ours/model-chains.js';
import { openPeerPart } from '../peer/demo-model.js';
import { fromPeer, peerShape, toPeer } from '../peer/layout.js';
import type { BenchContext } from './context.js';

/** The demo model's decoder: ours to RGBA bytes, the peer to the picture's floats. */
export async function* demoVae(context: BenchContext): AsyncGenerator<BenchResult> {
  const { dtype, care, root } = context;
  const model = join(root, 'packages', 'demo-model', 'model');
  const json = JSON.parse(readFileSync(join(model, 'vae', 'config.json'), 'utf8')) as Record<string, unknown>;
  const config = readVaeConfig(json);
  const side = 16;
  const shape = [1, side, side, config.latentChannels];
  const graph = decoderGraph(config, { batch: 1, height: side, width: side, dtype });
  const program = await loadPart(context, graph, { model, folder: 'vae', runs: () => 1 });
  const peer = await openPeerPart(context, 'vae-decoder');
  try {
    const latents = inputValues('latents', shape);
    program.write('latents', latents);
    const session = peer?.note === undefined ? peer?.session : undefined;
    const feeds = session && {
      latents: context.runtime!.tensor(stored(toPeer(latents, shape), dtype), peerShape(shape)),
    };
    const pictureSide = side * vaeFactor(config);
    const figures: Record<string, number> = {};
    if (session && feeds) {
      await program.run('decode');
      const ours = Array.from((await program.read('rgba')) as Uint32Array);
      const output = context.runtime!.floats((await session.run(feeds))['y'] as Tensor);
      figures['mostLevelsApart'] = levelsApart(ours, fromPeer(output, [1, pictureSide, pictureSide, 3]));
    }
    const engines = [repeated('pleinair', () => program.run('decode'))];
    if (session && feeds) engines.push(repeated('peer', () => session.run(feeds)));
    const [ours, theirs] = await timeLinks(engines, care);
    const { kernels: variant, ...work } = segmentWork(program, 'decode');
    figures['intermediatesBytes'] = program.memory.intermediatesBytes;
    const name = `demo model decoder, ${pictureSide}×${pictureSide} pixels`;
    const { note } = peer ?? {};
    yield toResult({
      suite: 'vae',
      shape: name,
      variant,
      work,
      ours: ours!,
      peer: theirs && { ...theirs, name: context.runtime!.name },
      note,
      figures,
    });
  } finally {
    program.dispose();
    if (peer?.note === undefined) await peer?.session.release();
  }
}

/**
 * The most that a colour differs, of 255.
 *
 * @param rgba - A pixel a word, red lowest.
 * @param floats - `[pixels, 3]` in −1…1.
 */
function levelsApart(rgba: readonly number[], floats: Float32Array): number {
  let most = 0;
  rgba.forEach((word, pixel) => {
    for (let c = 0; c < 3; c++) {
      const level = Math.min(Math.max(floats[3 * pixel + c]! / 2 + 0.5, 0), 1) * 255;
      most = Math.max(most, Math.abs(((word >>> (8 * c)) & 255) - Math.round(level)));
    }
  });
  return most;
}
