import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { compileProgram, tensorBytes, type Device, type Program } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { loadWeights, openComponent } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readSdxlFiles } from '../src/files.js';
import { partFolders, partGraph, partNames, type PipelineShape, type TextToImagePart } from '../src/graphs.js';
import { readSdxlConfig } from '../src/model-config.js';
import { openSdxl } from '../src/open-sdxl.js';
import { planSdxl } from '../src/plan-sdxl.js';
import { watchDispatches, watchHeldBytes } from './device-watch.js';
import { tinyFolder } from './tiny-model.js';

const folders = { tiny: tinyFolder, demo: fileURLToPath(modelUrl) };
const base: PipelineShape = {
  width: 64,
  height: 96,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  precision: 'f32',
  solver: { slots: 0, drawsNoise: false, evaluations: 2 },
};
/** Each with the parts it changes something for: text encoders know only the precision, the decoder no prompt. */
const cases: readonly (readonly [string, PipelineShape, readonly TextToImagePart[]])[] = [
  ['guided, f32', base, partNames],
  ['halves in turn, f16', { ...base, halves: 'in-turn', precision: 'f16' }, partNames],
  [
    'unguided, 3 pictures of odd latents, a solver with planes and noise, f16',
    {
      ...base,
      width: 56,
      height: 40,
      pictures: 3,
      guided: false,
      precision: 'f16',
      solver: { slots: 2, drawsNoise: true, evaluations: 7 },
    },
    ['unet', 'vae_decoder'],
  ],
  ['prompts of 2 chunks, f32', { ...base, width: 40, height: 40, chunks: 2 }, ['unet']],
];

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});
afterEach(() => vi.restoreAllMocks());

describe.each(Object.entries(folders))(
  'what is planned for the %s model is what its programs hold and run',
  (_, folder) => {
    const source = folderSource(folder);

    async function loaded(part: TextToImagePart, shape: PipelineShape): Promise<Program> {
      const config = readSdxlConfig(await readSdxlFiles(source));
      const program = await compileProgram(partGraph(config, shape, part), device);
      const checkpoint = await openComponent(source, partFolders[part], { prefer: 'full' });
      await loadWeights(program.weights, checkpoint, {
        upload: (weight, piece) => program.uploadWeight(weight, [piece]),
      });
      return program;
    }

    it.each(cases.flatMap(([name, shape, parts]) => parts.map((part) => [name, part, shape] as const)))(
      '%s: %s',
      async (_name, part, shape) => {
        const config = readSdxlConfig(await readSdxlFiles(source));
        const planned = planSdxl(config, shape, device.profile).components[part];
        const before = device.memory.current;
        const program = await loaded(part, shape);

        // What the ledger of real buffers gained.
        const { weights, intermediates, persistent } = device.memory.current;
        expect({
          weightsBytes: weights - before.weights,
          intermediatesBytes: intermediates - before.intermediates,
          persistentBytes: persistent - before.persistent,
        }).toEqual({
          weightsBytes: planned.weightsBytes,
          intermediatesBytes: planned.intermediatesBytes,
          persistentBytes: planned.persistentBytes,
        });
        expect(program.memory).toMatchObject({
          weightsBytes: planned.weightsBytes,
          intermediatesBytes: planned.intermediatesBytes,
          persistentBytes: planned.persistentBytes,
          pipelines: planned.pipelines,
        });

        // What was really encoded.
        const encoded = watchDispatches(device);
        const segments = program.plan.segments.map(({ name }) => name);
        const loop = segments.at(-1)!;
        for (const segment of segments.slice(0, -1)) await program.run(segment);
        const beforeLoop = encoded.dispatches;
        await program.keepWeightsOf(loop);
        expect(program.memory.weightsBytes).toBe(planned.loopWeightsBytes);
        expect(device.memory.current.weights - before.weights).toBe(planned.loopWeightsBytes);
        await program.run(loop);
        expect(encoded.dispatches - beforeLoop).toBe(planned.dispatches);
        expect(encoded.pipelines.size).toBe(planned.pipelines);
        expect(program.memory.dispatches).toBe(encoded.dispatches);
        await program.run(loop);
        expect(encoded.dispatches - beforeLoop).toBe(2 * planned.dispatches);

        // Without planning every tensor of the loop would have its own buffer.
        const transient = [...program.plan.segments.at(-1)!.offsets.keys()];
        expect(transient.reduce((sum, tensor) => sum + tensorBytes(tensor), 0)).toBe(planned.naiveBytes);

        program.dispose();
        expect(device.memory.current).toEqual(before);
      },
    );
  },
);

/** It compiles every kernel anew for each device; parts are held to their plans there, too. */
const isSwiftShader = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.skipIf(isSwiftShader)(
  'what is planned for the whole demo pipeline is the most it ever holds, to the byte (asked of one adapter, not SwiftShader)',
  () => {
    it.each([
      ['low', 'f32', 'together', 5],
      ['low', 'f16', 'in-turn', 5],
      ['resident', 'f16', 'together', 5],
      ['resident', 'f32', 'together', 1],
    ] as const)('memory %s, %s, halves %s, guidance %d', async (memory, precision, halves, guidance) => {
      const source = folderSource(folders.demo);
      const pipeline = await openSdxl(source, device, { precision, memory });
      const shape: PipelineShape = { ...base, guided: guidance > 1, halves, precision };
      const planned = planSdxl(pipeline.config, shape, device.profile);
      const before = device.memory.current;
      const held = watchHeldBytes(device);
      const request = { prompt: 'a sailboat at sunset', width: 64, height: 96, steps: 2, seed: 1, guidance };
      await pipeline.generate({ ...request, scheduler: 'euler', guidanceHalves: halves });
      expect(held.most).toBe(planned.peakBytes[memory]);
      pipeline.dispose();
      expect(device.memory.current).toEqual(before);
    });

    it('also for a second size, whose kernels want some weights in other layouts', async () => {
      const source = folderSource(folders.demo);
      const pipeline = await openSdxl(source, device, { precision: 'f16', memory: 'resident' });
      const before = device.memory.current.weights;
      const request = { prompt: 'a sailboat at sunset', steps: 1, seed: 1, scheduler: 'euler' } as const;
      await pipeline.generate({ ...request, width: 128, height: 128 });
      const first = device.memory.current.weights - before;
      await pipeline.generate({ ...request, width: 40, height: 40 });
      const second = device.memory.current.weights - before;
      // Large pictures take Winograd's transformed weights here, small ones the plain ones.
      expect(second).toBeLessThan(first);
      await pipeline.generate({ ...request, width: 128, height: 128 });
      expect(device.memory.current.weights - before).toBe(first);
      pipeline.dispose();
    });
  },
);
