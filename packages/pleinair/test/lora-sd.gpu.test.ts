import { fileURLToPath } from 'node:url';
import type { PictureRequest } from '@pleinair/diffusion';
import { readGolden, relativeRms, testDevice } from '@pleinair/testing';
import { layeredSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { describe, expect, it } from 'vitest';
import { load } from '../src/painter.js';

const goldens = fileURLToPath(new URL('../../testing/goldens', import.meta.url));
const golden = await readGolden(`${goldens}/tiny-sd-lora/goldens.safetensors`);
const run = JSON.parse(golden.metadata['run']!) as PictureRequest;
const model = layeredSource(
  ['tiny-pipelines/sd', 'tiny-pipelines/base', 'tiny-sdxl'].map((folder) => folderSource(`${goldens}/${folder}`)),
);

/** LoRAs differ by model in names and shapes only, which one adapter shows; SDXL's are asked of all. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.skipIf(slow).each(['merge', 'branch'] as const)(
  'a LoRA on Stable Diffusion 1.x against diffusers, %s (asked of one adapter, not SwiftShader)',
  (loraMode) => {
    it('paints what diffusers paints, at each scale', async () => {
      const painter = await load(model, {
        device: await testDevice(),
        precision: 'f32',
        tune: 'off',
        memory: 'resident',
        loras: [{ source: `${goldens}/tiny-sd-lora/kohya.safetensors` }],
        loraMode,
      });
      const latents = async () => (await painter.generate({ ...run, output: 'latent' })).images[0]!.latents;
      expect(relativeRms(await latents(), golden.floats('1.0'))).toBeLessThan(2e-3);
      await painter.setLoraScales({ kohya: -0.6 });
      expect(relativeRms(await latents(), golden.floats('-0.6'))).toBeLessThan(2e-3);
      await painter.setLoraScales({ kohya: 0 });
      expect(relativeRms(await latents(), golden.floats('none'))).toBeLessThan(2e-3);
      painter.dispose();
    });
  },
);
