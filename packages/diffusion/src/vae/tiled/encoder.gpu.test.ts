import { compileProgram, fromHalfArray, type Device, type Graph, type Program } from '@pleinair/tensor';
import { randomArray, seededWeight, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { readVaeConfig, type VaeConfig } from '../config.js';
import { encoderGraph } from '../encoder-graph.js';
import { runTiledEncoder } from './encode-tiled.js';
import { tiledEncoderGraph } from './encoder-graph.js';

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

/** A picture `[h, w, 3]` in −1…1 whose upper half is of another kind than its lower one, so that norms tell. */
function picture(height: number, width: number): Float32Array {
  const noise = randomArray(height * width * 3, 5, 0.4);
  return noise.map((v, i) => {
    const y = Math.floor(i / (width * 3));
    const x = Math.floor(i / 3) % width;
    return y * 2 < height ? v + 0.5 : Math.sin(x / 3 + y / 7) * 0.6 + v / 8;
  });
}

/** Peak signal to noise in dB, the peak being the range of the expected values. */
function signalToNoise(found: Float32Array, expected: Float32Array): number {
  let squares = 0;
  let least = Infinity;
  let most = -Infinity;
  expected.forEach((v, i) => {
    squares += (found[i]! - v) ** 2;
    least = Math.min(least, v);
    most = Math.max(most, v);
  });
  return 10 * Math.log10(((most - least) ** 2 * expected.length) / squares);
}

describe('encoding in bands', () => {
  it.each([
    // Where the small copy is the picture, guesses are exact, and so is what bands make of them: to rounding.
    { height: 9, width: 7, rows: 8, copy: { height: 36, width: 28 }, psnr: 100 },
    { height: 17, width: 6, rows: 12, copy: { height: 68, width: 24 }, psnr: 100 },
    { height: 3, width: 5, rows: 32, copy: { height: 12, width: 20 }, psnr: 100 },
    { height: 24, width: 20, rows: 16, copy: { height: 48, width: 40 }, psnr: 45 },
    {
      height: 9,
      width: 7,
      rows: 8,
      copy: { height: 36, width: 28 },
      psnr: 60,
      level: { rows: 4, queryRows: 2, keyRows: 4, halves: true },
    },
  ])(
    '$height×$width latents, $rows rows, copy $copy.height×$copy.width, level $level',
    async ({ height, width, rows, copy, psnr, level }) => {
      const image = picture(height * 4, width * 4);
      const whole = await loaded(encoderGraph(config, { batch: 1, height, width, dtype: 'f32' }));
      whole.write('image', image);
      await whole.run('encode');
      const expected = (await whole.read('moments')) as Float32Array;
      const tiled = tiledEncoderGraph(config, { height, width, dtype: 'f32', sizes: { rows, copy }, level });
      const program = await loaded(tiled.graph);
      program.write('image', image);
      // The second time everything is full of the first one's leavings.
      for (let i = 0; i < 2; i++) {
        await runTiledEncoder(program, tiled);
        const found = (await program.read('moments')) as Float32Array;
        expect(found).toHaveLength(height * width * 8);
        expect(signalToNoise(found, expected)).toBeGreaterThan(psnr);
      }
      expect(program.memory.intermediatesBytes).toBe(program.plan.intermediatesBytes);
      whole.dispose();
      program.dispose();
    },
  );

  it('tells how many bands are done, and stops between them', async () => {
    const copy = { height: 12, width: 12 };
    const tiled = tiledEncoderGraph(config, { height: 6, width: 6, dtype: 'f32', sizes: { rows: 8, copy } });
    const program = await loaded(tiled.graph);
    program.write('image', picture(24, 24));
    const told: number[] = [];
    await runTiledEncoder(program, tiled, { onSlice: ({ done }) => told.push(done) });
    expect(told).toEqual(tiled.steps.map((_, i) => i + 1));
    const controller = new AbortController();
    const cancelled = runTiledEncoder(program, tiled, {
      signal: controller.signal,
      onSlice: ({ done }) => done === 2 && controller.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    program.dispose();
  });
});
