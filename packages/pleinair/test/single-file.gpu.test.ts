import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { testDevice } from '@pleinair/testing';
import { folderSource } from '@pleinair/weights/node';
import { expect, it } from 'vitest';
import { checkpointNames } from '../../weights/test/checkpoint-names.js';
import { singleFileBlob } from '../../weights/test/single-file.js';
import { load } from '../src/painter.js';

const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

it.skipIf(slow)(
  'a model as one file makes the picture that its folder makes (asked of one adapter, not SwiftShader)',
  async () => {
    const source = folderSource(fileURLToPath(modelUrl));
    const blob = await singleFileBlob(source, (await checkpointNames())['demo-model'], 'F16');
    const device = await testDevice();
    const options = { device, tune: 'off' } as const;
    // Shapes do not tell the heads and groups of so small a model, nor is its vocabulary CLIP's.
    const places = [await load(modelUrl, options), await load(blob, { ...options, checkpoint: { config: modelUrl } })];
    const pictures = [];
    for (const painter of places) {
      const request = { prompt: 'a snowy mountain under a full moon', seed: 7, steps: 2, width: 64, height: 64 };
      pictures.push(...(await painter.generate(request)).images);
      painter.dispose();
    }
    const [folder, file] = pictures;
    expect(new Set(folder!.rgba).size).toBeGreaterThan(32);
    expect(file!.latents).toEqual(folder!.latents);
    expect(file!.rgba).toEqual(folder!.rgba);
  },
);
