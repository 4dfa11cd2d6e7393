import { modelUrl } from '@pleinair/demo-model';
import { relativeRms, testDevice } from '@pleinair/testing';
import { load, type LoadOptions } from 'pleinair';
import { expect, it } from 'vitest';

async function latents(attention: LoadOptions['attention']): Promise<{ values: Float32Array; pipelines: string }> {
  const device = await testDevice();
  const painter = await load(modelUrl, { device, precision: 'f32', tune: 'off', attention });
  const names = new Set<string>();
  const compile = device.pipelines.compile.bind(device.pipelines);
  device.pipelines.compile = (kernels, options) => {
    const list = [...kernels];
    for (const { name } of list) names.add(name);
    return compile(list, options);
  };
  const request = { prompt: 'a desert at noon', seed: 3, steps: 1, width: 64, height: 64 };
  const { images } = await painter.generate({ ...request, output: 'latent' });
  device.pipelines.compile = compile;
  painter.dispose();
  return { values: images[0]!.latents, pipelines: [...names].join() };
}

// SwiftShader compiles every kernel anew for each device; the kernels themselves are tested there one by one.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

it.skipIf(slow)(
  'every way of attention that the adapter has paints the same picture (asked of one adapter, not SwiftShader)',
  async () => {
    const { features, isSoftware } = (await testDevice()).profile;
    // What `auto` takes is asked of all other tests.
    const flash = await latents('flash');
    const split = await latents('split');
    expect(flash.pipelines).toMatch(/flash/);
    expect(split.pipelines).not.toMatch(/flash/);
    expect(split.pipelines).toMatch(/product\/tiled/);
    // A step of f32, in other orders of summing.
    expect(relativeRms(flash.values, split.values)).toBeLessThan(1e-4);
    if (!features.subgroups) {
      await expect(latents('subgroup')).rejects.toMatchObject({ code: 'device/missing-feature' });
      return;
    }
    const subgroup = await latents('subgroup');
    // Elsewhere other products take tiles.
    expect(subgroup.pipelines).not.toMatch(isSoftware ? /flash|product\/tiled/ : /flash/);
    expect(subgroup.pipelines).toMatch(/product\/(columns|matrix)/);
    expect(relativeRms(subgroup.values, split.values)).toBeLessThan(1e-4);
  },
);
