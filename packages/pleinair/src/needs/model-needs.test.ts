import { modelPath } from '@pleinair/demo-model';
import { defaultProfile, type DeviceProfile } from '@pleinair/tensor';
import { blobSource, openCheckpoint, type ModelSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { describe, expect, it } from 'vitest';
import { checkpointNames } from '../../../weights/test/checkpoint-names.js';
import { headerSource } from '../../../weights/test/header-source.js';
import { describeModel } from '../models/registry.js';
import { modelNeeds } from './model-needs.js';

const demo = folderSource(modelPath);
const path = 'model.safetensors';

function adapter(limits: Partial<DeviceProfile['limits']>): DeviceProfile {
  return { ...defaultProfile, limits: { ...defaultProfile.limits, ...limits } };
}

async function sd15(without?: string): Promise<ModelSource> {
  const { sd15: names } = await checkpointNames();
  const tensors = Object.entries(names.file).filter(([name]) => !without || !name.includes(without));
  return openCheckpoint(await headerSource(path, Object.fromEntries(tensors)), path);
}

describe('what a model needs', () => {
  it('is what its plan says, of each memory mode', async () => {
    const needs = await modelNeeds(demo);
    expect(needs).toMatchObject({ verdict: 'runs', family: 'Stable Diffusion XL', width: 128, height: 128 });
    expect(needs.mode).toBe('resident');
    const model = await describeModel(demo);
    const { low, balanced, resident } = needs.modes!;
    expect(low.peakBytes).toBeLessThan(balanced.peakBytes);
    expect(balanced.peakBytes).toBeLessThanOrEqual(resident.peakBytes);
    const solver = { slots: 1, drawsNoise: false, evaluations: model.defaults.steps };
    const shape = { width: 128, height: 128, pictures: 1, guided: true, halves: 'together', chunks: 1 } as const;
    const plan = model.plan({ ...shape, precision: 'f16', solver });
    // Slots of the solver are of one picture's latents: kilobytes.
    expect(low.peakBytes).toBeCloseTo(plan.peakBytes.low, -5);
    expect(needs.reason).toMatch(/^Pictures of 128×128 take \d+(\.\d)? MB of GPU memory at most, with everything kept/);
    const all = (await demo.list!()).filter((file) => file.path.endsWith('.safetensors'));
    const bytes = all.reduce((sum, file) => sum + file.bytes, 0);
    expect(needs.storedBytes! / bytes).toBeCloseTo(1, 1);
  }, 120_000);

  it('of a large model is too much for a phone, and less with palettes', async () => {
    const source = await sd15();
    const phone = adapter({ maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: 2 ** 29 });
    const plain = await modelNeeds(source, { profile: phone });
    expect(plain).toMatchObject({ verdict: 'may-run', mode: 'low', width: 512, averageBits: {} });
    expect(plain.modes!.low.fits).toBe(false);
    expect(plain.reason).toMatch(/may run out of memory. Palettize it/);
    expect(plain.storedBytes).toBeGreaterThan(2.1e9);
    expect((await modelNeeds(demo, { dtype: 'f16' })).storedBytes).toBeLessThan(
      (await modelNeeds(demo)).storedBytes! + 1,
    );
    const packed = await modelNeeds(source, { profile: phone, palettize: 4 });
    expect(packed).toMatchObject({ verdict: 'runs', mode: 'resident' });
    expect(packed.averageBits!['unet']).toBeCloseTo(4, 1);
    expect(packed.modes!.low.peakBytes).toBeLessThan(0.7e9);
    expect(packed.storedBytes).toBeLessThan(0.75e9);
  }, 120_000);

  it.each<[string, string, RegExp, () => Promise<ModelSource>]>([
    ['of another kind', 'config/unknown-architecture', /FluxPipeline/, () => Promise.resolve(flux())],
    ['without a part', 'weights/missing-file', /^It is not whole.*vae/, () => sd15('first_stage_model')],
    [
      'without a tensor',
      'weights/missing-tensor',
      /lacks 1 tensors.*unet: conv_in.bias/,
      () => sd15('blocks.0.0.bias'),
    ],
  ])('of a model %s cannot be met, which is said with the reason', async (_, code, reason, source) => {
    const needs = await modelNeeds(await source());
    expect(needs).toMatchObject({ verdict: 'cannot-run', code });
    expect(needs.reason).toMatch(reason);
    expect(needs.modes).toBeUndefined();
  });

  it('beyond what an adapter can bind cannot be met either', async () => {
    const small = adapter({ maxBufferSize: 2 ** 18, maxStorageBufferBindingSize: 2 ** 16 });
    expect(await modelNeeds(demo, { profile: small })).toMatchObject({
      verdict: 'cannot-run',
      code: 'device/limit',
      family: 'Stable Diffusion XL',
    });
  });

  it('is not told where the model could not be looked at', async () => {
    await expect(modelNeeds(demo, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

function flux(): ModelSource {
  return blobSource(new Map([['model_index.json', new Blob(['{"_class_name":"FluxPipeline"}'])]]));
}
