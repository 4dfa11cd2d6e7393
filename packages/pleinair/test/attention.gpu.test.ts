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
  const { images } = await painter.generate({ prompt: 'a desert at noon', seed: 3, steps: 2, output: 'latent' });
  device.pipelines.compile = compile;
  painter.dispose();
  return { values: images[0]!.latents, pipelines: [...names].join() };
}

it('every way of attention that the adapter has paints the same picture', async () => {
  const auto = await latents('auto');
  const flash = await latents('flash');
  const split = await latents('split');
  expect(flash.pipelines).toMatch(/flash/);
  expect(split.pipelines).not.toMatch(/flash/);
  // Two steps of f32, in other orders of summing.
  for (const { values } of [flash, split]) expect(relativeRms(values, auto.values)).toBeLessThan(1e-4);
});
