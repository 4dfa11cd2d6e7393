import { candidatesOf } from '@pleinair/palettize';
import {
  paletteBlocks,
  paletteTableBytes,
  planProgram,
  type Device,
  type PaletteLookup,
  type PlanOptions,
  type Weight,
} from '@pleinair/tensor';
import { relativeRms, testDevice } from '@pleinair/testing';
import {
  componentPalettes,
  openComponent,
  type Component,
  palettizedEntries,
  type ModelSource,
} from '@pleinair/weights';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { partFolders, partGraph, partNames, type PartName, type PipelineShape } from '../src/graphs.js';
import type { SdxlConfig } from '../src/model-config.js';
import type { PipelineOptions } from '@pleinair/diffusion';
import { openSdxl } from '../src/open-sdxl.js';
import { planSdxl } from '../src/plan-sdxl.js';
import type { PictureResult } from '@pleinair/diffusion';
import { watchHeldBytes } from './device-watch.js';
import { twinModels, type PartForms, type TwinModels } from './palettized-model.js';
import { limits } from './tiny-model.js';

// Channels and outputs of the tiny model fill neither vec4s nor blocks. Layers of a part take its widths in turn.
const forms: PartForms = {
  text_encoder: [{ bits: 8 }],
  text_encoder_2: [{ bits: 3, group: 4 }],
  unet: [{ bits: 4 }, { bits: 6, group: 8 }],
};
/** The variant that software adapters compile soonest: here weights differ, and nothing else. */
const plan: PlanOptions = { pick: (_key, variants) => variants.find((name) => name === 'columns4x32') };
const request = { prompt: 'a sailboat at sunset', negativePrompt: 'snow', width: 64, height: 96, steps: 1, seed: 3 };
const shape: Omit<PipelineShape, 'precision'> = {
  width: 64,
  height: 96,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  solver: { slots: 0, drawsNoise: false, evaluations: 1 },
};

let device: Device;
let withVae: TwinModels;
let withoutVae: TwinModels;
beforeAll(async () => {
  device = await testDevice();
  withoutVae = await twinModels(forms);
  withVae = await twinModels({ ...forms, vae: [{ bits: 6 }] });
});
afterEach(() => vi.restoreAllMocks());

interface Painted {
  readonly config: SdxlConfig;
  readonly result: PictureResult;
  /** The most bytes ever held, counted as buffers were made. */
  readonly held: number;
}

async function paint(source: ModelSource, options: PipelineOptions): Promise<Painted> {
  const pipeline = await openSdxl(source, device, options);
  const before = device.memory.current;
  const held = watchHeldBytes(device);
  const result = await pipeline.generate({ ...request, scheduler: 'euler' });
  pipeline.dispose();
  expect(device.memory.current).toEqual(before);
  vi.restoreAllMocks();
  return { config: pipeline.config, result, held: held.most };
}

/** Bytes of a weight whose indices stay packed: its palettes, then `bits` words for each block of 32 rows and each k. */
function packedBytes({ palette, layout, source }: Weight): number {
  const [rows, ...inner] = source.shape as [number, ...number[]];
  const k = layout.elements([32, ...inner]) / 32;
  return paletteTableBytes(palette!, rows) + paletteBlocks(rows) * k * palette!.bits * 4;
}

const runs = [
  ['low', 'f16', 'tiled', () => withVae],
  ['resident', 'f32', 'exact', () => withoutVae],
] as const;
// An adapter without f16 is asked for what it has: each run compiles some hundred kernels.
const isSwiftShader = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
describe.each(runs.filter(([, precision]) => precision === 'f32' || !isSwiftShader))(
  'a palettized SDXL, memory %s, %s, VAE %s',
  (memory, precision, vae, models) => {
    const options = { memory, precision, vae, plan };

    it('paints the picture of its decoded weights, and of palettized ones holds indices and palettes alone', async () => {
      const model = models().palettized;
      const [packed, decoded] = [await paint(model, options), await paint(models().decoded, options)];
      const [a, b] = [packed.result.images[0]!, decoded.result.images[0]!];
      expect(b.latents.every(Number.isFinite)).toBe(true);
      expect(relativeRms(a.latents, b.latents)).toBeLessThan(limits[precision].part);
      // A pixel may be rounded to the level beside.
      expect(relativeRms(a.rgba, b.rgba)).toBeLessThan(limits[precision].part + 1 / 255);
      expect(new Set(b.rgba).size).toBeGreaterThan(16);

      const components = new Map<PartName, Component>(
        await Promise.all(
          partNames.map(async (name) => [name, await openComponent(model, partFolders[name])] as const),
        ),
      );
      const palettesOf = (name: PartName): PaletteLookup => componentPalettes(components.get(name)!);
      const wanted: PipelineShape = { ...shape, precision, vae };
      const planned = planSdxl(packed.config, wanted, device.profile, plan, palettesOf);
      expect(packed.held).toBe(planned.peakBytes[memory]);
      expect(packed.result.memory.peakBytes).toBe(planned.peakBytes[memory]);
      expect(packed.held).toBeLessThan(decoded.held);

      let weightsBytes = 0;
      for (const [name, component] of components) {
        const entries = palettizedEntries(component);
        const { weights } = planProgram(partGraph(packed.config, wanted, name, palettesOf), device.profile, {
          transformedWeights: memory === 'resident',
          ...plan,
        });
        const stored = weights.filter(({ palette }) => palette !== undefined);
        expect(weights.filter((weight) => entries.has(weight.source.name))).toEqual(stored);
        for (const weight of stored) expect(weight.byteLength, weight.source.name).toBe(packedBytes(weight));
        // All that can be palettized is: products, convolutions, token embeddings.
        const plain = weights.filter(({ palette }) => palette === undefined);
        const left = plain.map(({ source: tensor }) => ({ name: tensor.name, shape: tensor.shape, dtype: 'F16' }));
        if (entries.size > 0) expect(candidatesOf(left, { minWeights: 0 })).toEqual([]);
        weightsBytes += weights.reduce((sum, { byteLength }) => sum + Math.max(16, byteLength), 0);
      }
      if (memory === 'resident') expect(packed.result.memory.weightsBytes).toBe(weightsBytes);
    });
  },
);

it('palettizes token embeddings, not the positions added to them', async () => {
  for (const folder of ['text_encoder', 'text_encoder_2']) {
    const component = await openComponent(withVae.palettized, folder);
    const names = [...palettizedEntries(component).keys()];
    expect(names).toContain('text_model.embeddings.token_embedding.weight');
    expect(component.entries.get('text_model.embeddings.position_embedding.weight')!.dtype).toBe('F32');
  }
});
