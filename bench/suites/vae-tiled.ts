import { median, rounded, type BenchResult } from '@pleinair/bench';
import { decoderGraph, readVaeConfig, runTiledDecoder, tiledDecoderGraph, toChannelsLast } from '@pleinair/diffusion';
import type { Program } from '@pleinair/tensor';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'pleinair';
import { loadPart } from '../ours/model-chains.js';
import type { BenchContext } from './context.js';
import { roundRatios, takeTurns } from './take-turns.js';

/** Few steps: what counts is that latents are a picture's, of this very size. */
const request = { prompt: 'a red boat on a lake at sunset', seed: 3, steps: 5, output: 'latent' } as const;

/** Pixels a side. */
const sides = [256, 512, 1024] as const;

/** No further round once a size took so long; 1024² takes minutes a round on a processor. */
const budgetMs = 180_000;

const own = 'pleinair, whole';

/**
 * The demo model's decoder in bands beside the whole one: a picture's latents of each size, both decodes loaded, as memory
 * mode `low` plans them, taking turns. `ratio` is the whole decode's time over that in bands, below 1 where bands take
 * longer; figures hold the distance of the two pictures.
 */
export async function* vaeTiled(context: BenchContext): AsyncGenerator<BenchResult> {
  const root = join(context.root, 'packages', 'demo-model', 'model');
  for (const side of context.quick ? sides.slice(0, 1) : sides) {
    const shape = `demo model decoder in bands, ${side}×${side} pixels`;
    if (context.filter === undefined || shape.includes(context.filter))
      yield await decodeBoth(context, root, side, shape);
  }
}

async function decodeBoth(context: BenchContext, model: string, side: number, shape: string): Promise<BenchResult> {
  const { dtype, care } = context;
  const json = JSON.parse(readFileSync(join(model, 'vae', 'config.json'), 'utf8')) as Record<string, unknown>;
  const config = readVaeConfig(json);
  const latents = toChannelsLast(await paintLatents(context, model, side), config.latentChannels);
  const small = side / 8;
  const whole = await loadPart(context, decoderGraph(config, { batch: 1, height: small, width: small, dtype }), {
    model,
    folder: 'vae',
    runs: () => 1,
  });
  const tiled = tiledDecoderGraph(config, { height: small, width: small, dtype });
  const bands = await loadPart(context, tiled.graph, {
    model,
    folder: 'vae',
    runs: (segment) => tiled.graph.timesOf(segment),
  });
  try {
    for (const program of [whole, bands]) program.write('latents', latents);
    const decodeWhole = (): Promise<unknown> => whole.run('decode');
    const decodeBands = (): Promise<void> => runTiledDecoder(bands, tiled);
    await decodeWhole();
    await decodeBands();
    const distance = compare(await pixels(whole), await pixels(bands));
    const [inBands, inWhole] = await takeTurns([decodeBands, decodeWhole], { rounds: care.rounds, budgetMs });
    const wall = roundRatios(inBands!, inWhole!, 'ms');
    const ms = (turns: typeof inBands, key: 'ms' | 'cpuMs'): number => rounded(median(turns!.map((turn) => turn[key])));
    return {
      suite: 'vae-tiled',
      shape,
      variant: `${tiled.bands} bands, small copy of every ${tiled.sizes.every}`,
      ms: ms(inBands, 'ms'),
      spread: rounded((wall.at(-1)! - wall[0]!) / median(wall)),
      cpuMs: ms(inBands, 'cpuMs'),
      peer: { name: own, ms: ms(inWhole, 'ms'), cpuMs: ms(inWhole, 'cpuMs') },
      ratio: rounded(1 / median(wall)),
      figures: {
        timesWhole: rounded(median(wall)),
        cpuTimesWhole: rounded(median(roundRatios(inBands!, inWhole!, 'cpuMs'))),
        rounds: wall.length,
        psnr: rounded(distance.psnr),
        mostLevelsApart: distance.most,
        intermediatesBytes: bands.memory.intermediatesBytes,
        wholeIntermediatesBytes: whole.memory.intermediatesBytes,
      },
    };
  } finally {
    whole.dispose();
    bands.dispose();
  }
}

async function paintLatents({ device, dtype }: BenchContext, model: string, side: number): Promise<Float32Array> {
  const painter = await load(model, { device, precision: dtype, tune: 'off' });
  try {
    const { images } = await painter.generate({ ...request, width: side, height: side });
    return images[0]!.latents;
  } finally {
    painter.dispose();
  }
}

async function pixels(program: Program): Promise<Uint8Array> {
  const words = (await program.read('rgba')) as Uint32Array;
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Peak signal to noise in dB, of colours alone, and the most that one differs, of 255. */
export function compare(a: Uint8Array, b: Uint8Array): { readonly psnr: number; readonly most: number } {
  let squares = 0;
  let most = 0;
  a.forEach((value, i) => {
    if (i % 4 === 3) return;
    const apart = Math.abs(value - b[i]!);
    squares += apart * apart;
    most = Math.max(most, apart);
  });
  return { psnr: 10 * Math.log10((255 ** 2 * a.length * 0.75) / squares), most };
}
