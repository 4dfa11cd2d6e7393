import { compileProgram, fromHalfArray, type Device, type Graph, type Program } from '@pleinair/tensor';
import { randomArray, seededWeight, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { readVaeConfig, type VaeConfig } from '../config.js';
import { decoderGraph } from '../decoder-graph.js';
import { runTiledDecoder } from './decode-tiled.js';
import { tiledDecoderGraph } from './decoder-graph.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

const config: VaeConfig = readVaeConfig({
  block_out_channels: [6, 8, 12],
  layers_per_block: 1,
  norm_num_groups: 2,
  latent_channels: 4,
  out_channels: 3,
  force_upcast: true,
});

/** Compiled, with weights made from their names. */
async function loaded(graph: Graph): Promise<Program> {
  const program = await compileProgram(graph, device);
  for (const weight of program.weights) {
    const { name, shape } = weight.source;
    const bits = new Uint16Array(shape.reduce((a, b) => a * b, 1));
    seededWeight(name, shape)(bits, 0);
    const values = weight.storage === 'f16' ? bits : fromHalfArray(bits);
    await program.uploadWeight(weight, weight.layout.pack(values, 0, shape[0]!, shape));
  }
  return program;
}

/** Largest difference of a colour, of 255, and the peak signal to noise in dB. */
function compare(a: Uint32Array, b: Uint32Array): { readonly most: number; readonly psnr: number } {
  const [x, y] = [a, b].map((words) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  let squares = 0;
  let most = 0;
  x!.forEach((v, i) => {
    const d = Math.abs(v - y![i]!);
    squares += d * d;
    most = Math.max(most, d);
  });
  return { most, psnr: 10 * Math.log10((255 ** 2 * x!.length * 0.75) / squares) };
}

describe('decoding in bands', () => {
  it.each([
    // Where the small copy is the picture, guesses are exact, and so is what bands make of them: to a rounding of colours.
    { height: 9, width: 7, rows: 4, every: 1, psnr: 70 },
    { height: 17, width: 6, rows: 12, every: 1, psnr: 70 },
    { height: 3, width: 5, rows: 32, every: 1, psnr: 70 },
    { height: 24, width: 20, rows: 8, every: 2, psnr: 45 },
    // The latents' level in several bands, blocks of queries and of keys that do not divide it, as floats and in halves.
    { height: 9, width: 7, rows: 12, every: 1, psnr: 70, level: { rows: 2, queryRows: 4, keyRows: 2, halves: false } },
    { height: 9, width: 7, rows: 12, every: 1, psnr: 52, level: { rows: 4, queryRows: 2, keyRows: 5, halves: true } },
  ])(
    '$height×$width latents, $rows rows, every $every, level $level',
    async ({ height, width, rows, every, psnr, level }) => {
      const latents = randomArray(height * width * 4, 3, 2);
      const whole = await loaded(decoderGraph(config, { batch: 1, height, width, dtype: 'f32' }));
      whole.write('latents', latents);
      await whole.run('decode');
      const expected = (await whole.read('rgba')) as Uint32Array;
      const tiled = tiledDecoderGraph(config, { height, width, dtype: 'f32', sizes: { rows, every }, level });
      const program = await loaded(tiled.graph);
      program.write('latents', latents);
      // The second time everything is full of the first one's leavings.
      for (let i = 0; i < 2; i++) {
        await runTiledDecoder(program, tiled);
        const found = compare((await program.read('rgba')) as Uint32Array, expected);
        expect(found.psnr).toBeGreaterThan(psnr);
        if (psnr === 70) expect(found.most).toBeLessThanOrEqual(1);
      }
      expect(program.memory.intermediatesBytes).toBe(program.plan.intermediatesBytes);
      whole.dispose();
      program.dispose();
    },
  );

  it('tells how many bands are done, and stops between them', async () => {
    const tiled = tiledDecoderGraph(config, { height: 6, width: 6, dtype: 'f32', sizes: { rows: 8, every: 2 } });
    const program = await loaded(tiled.graph);
    program.write('latents', randomArray(6 * 6 * 4, 1));
    const told: number[] = [];
    await runTiledDecoder(program, tiled, { onSlice: ({ done }) => told.push(done) });
    expect(told).toEqual(tiled.steps.map((_, i) => i + 1));
    const controller = new AbortController();
    const cancelled = runTiledDecoder(program, tiled, {
      signal: controller.signal,
      onSlice: ({ done }) => done === 8 && controller.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    program.dispose();
  });
});
