import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { encoderGraph, readVaeConfig, runTiledEncoder, tiledEncoderGraph } from '@pleinair/diffusion';
import { compileProgram, type Graph, type Program } from '@pleinair/tensor';
import { randomArray, relativeRms, testDevice } from '@pleinair/testing';
import { loadWeights, openComponent } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { expect, it } from 'vitest';
import { openSdxl } from '../src/open-sdxl.js';

const source = folderSource(fileURLToPath(modelUrl));
/** Of the latents: more than the small copy holds. */
const [height, width] = [27, 34];

async function loaded(graph: Graph): Promise<Program> {
  const program = await compileProgram(graph, await testDevice());
  const component = await openComponent(source, 'vae', { prefer: 'full' });
  await loadWeights(program.weights, component, { upload: (weight, piece) => program.uploadWeight(weight, [piece]) });
  return program;
}

/** A sky of one colour over grass, with grain, and a disc: `[8h, 8w, 3]` in −1…1. */
function picture(): Float32Array<ArrayBuffer> {
  const [rows, columns] = [height * 8, width * 8];
  const grain = randomArray(rows * columns * 3, 11, 0.15);
  return Float32Array.from(grain, (v, i) => {
    const y = Math.floor(i / (3 * columns));
    const x = Math.floor(i / 3) % columns;
    const colour = i % 3;
    const disc = (x - 90) ** 2 + (y - 70) ** 2 < 900 ? 0.4 : 0;
    const ground = y > rows * 0.6 ? [-0.5, 0.1, -0.6][colour]! + v : [0, 0.2, 0.6][colour]! - y / (2 * rows);
    return Math.max(-1, Math.min(1, ground + disc));
  });
}

// A small VAE is taken through bands on every adapter, in diffusion; pictures so large take SwiftShader minutes.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

it.skipIf(slow)(
  'the demo model encodes a picture in bands to the same latents, 45 dB and more, in the memory planned (asked of one adapter, not SwiftShader)',
  async () => {
    const config = readVaeConfig((await source.readJson('vae/config.json')) as Record<string, unknown>);
    const image = picture();
    const whole = await loaded(encoderGraph(config, { batch: 1, height, width, dtype: 'f16' }));
    whole.write('image', image);
    await whole.run('encode');
    const tiled = tiledEncoderGraph(config, { height, width, dtype: 'f16' });
    expect(tiled.sizes.copy.width).toBeLessThan(width * 8);
    const program = await loaded(tiled.graph);
    program.write('image', image);
    await runTiledEncoder(program, tiled);
    const means = async (from: Program): Promise<Float32Array> =>
      ((await from.read('moments')) as Float32Array).filter((_, i) => i % 8 < 4);
    const [expected, found] = [await means(whole), await means(program)];
    expect(found).toHaveLength(height * width * 4);
    const squares = expected.reduce((sum, v, i) => sum + (v - found[i]!) ** 2, 0);
    const range = Math.max(...expected) - Math.min(...expected);
    const psnr = 10 * Math.log10((range ** 2 * expected.length) / squares);
    expect(psnr).toBeGreaterThan(45);
    expect(program.memory.intermediatesBytes).toBe(program.plan.intermediatesBytes);
    expect(program.plan.intermediatesBytes).toBeLessThan(whole.plan.intermediatesBytes);
    whole.dispose();
    program.dispose();
  },
  600_000,
);

it.skipIf(slow)(
  'a run over a picture encodes it in bands where it is told to: nearly the same latents, in less memory (asked of one adapter, not SwiftShader)',
  async () => {
    const values = picture();
    const image = {
      width: width * 8,
      height: height * 8,
      rgba: new Uint8ClampedArray(height * width * 64 * 4).fill(255),
    };
    for (let i = 0; i < height * width * 64; i++) {
      for (let c = 0; c < 3; c++) image.rgba[4 * i + c] = (values[3 * i + c]! / 2 + 0.5) * 255;
    }
    const device = await testDevice();
    const paint = async (vae: 'exact' | 'tiled') => {
      const pipeline = await openSdxl(source, device, { memory: 'low', vae });
      const request = { prompt: 'a meadow', image, strength: 0.25, steps: 4, seed: 3, scheduler: 'euler' } as const;
      const { images, memory } = await pipeline.generate({ ...request, posterior: 'mode', output: 'latent' });
      pipeline.dispose();
      return { latents: images[0]!.latents, memory };
    };
    const [exact, tiled] = [await paint('exact'), await paint('tiled')];
    expect(tiled.latents).not.toEqual(exact.latents);
    expect(relativeRms(tiled.latents, exact.latents)).toBeLessThan(10 ** (-45 / 20)); // 45 dB, as of the encoder alone
    // The peak is a text encoder's weights; of intermediates it is the VAE encoder's.
    expect(tiled.memory.intermediatesBytes).toBeLessThan(exact.memory.intermediatesBytes);
  },
);
