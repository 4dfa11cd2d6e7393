import { describe, expect, it } from 'vitest';
import { Adapted, expectGoldens, expectTwins, loraFile, names } from './adapted-model.js';
import { twinModels } from './palettized-model.js';
import { limits, tinySource } from './tiny-model.js';

const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.each([
  ['f32', 'merge'],
  ['f32', 'branch'],
  ['f16', 'merge'],
  ['f16', 'branch'],
] as const)('LoRA on the tiny SDXL against diffusers, %s, %s', (dtype, loraMode) => {
  const { part: limit } = limits[dtype];

  it('gives what diffusers gives at a scale, and at another without loading anew', async () => {
    const model = await Adapted.open(tinySource(), dtype, { loras: [loraFile('kohya', 1)], loraMode });
    // Halves of both text encoders and the UNet take long to translate there: each in one of the forms.
    const parts = slow && dtype === 'f16' ? names.slice(0, 2) : names;
    for (const name of parts) expectGoldens(await model.run(name), 'diffusers.1.0', limit);
    expect(await model.rescale({ kohya: -0.6 })).toHaveLength(3);
    for (const name of parts) expectGoldens(await model.run(name), 'diffusers.-0.6', limit);
    expect(await model.rescale({ kohya: -0.6 })).toEqual([]);
    model.dispose();
  });
});

it('adds several LoRAs, LoCon with a middle, LoHa and LoKr among them', async () => {
  const alone = await Adapted.open(tinySource(), 'f32', { loras: [loraFile('lycoris', 0.8)], loraMode: 'merge' });
  expectGoldens(await alone.run('unet'), 'lycoris', limits.f32.part);
  alone.dispose();
  // Side branches where there are any: LoKr has none, and is merged beside them.
  const loras = [loraFile('original', 0.7), loraFile('lycoris', 0.5)];
  const both = await Adapted.open(tinySource(), 'f32', { loras, loraMode: 'branch' });
  for (const name of names) expectGoldens(await both.run(name), 'both', limits.f32.part);
  expect(both.adapters.loraScales).toEqual({ original: 0.7, lycoris: 0.5 });
  both.dispose();
});

it.skipIf(slow)(
  'gives beside palettized weights what merging into their values gives (asked of one adapter, not SwiftShader)',
  async () => {
    // The UNet's palettized kernels take minutes to translate: lora.slow.test.ts.
    const forms = [{ bits: 4 }, { bits: 3, group: 4 }] as const;
    const twins = await twinModels({ text_encoder_2: forms });
    await expectTwins(twins, ['text_encoder_2'], limits.f16.part);
    const merged = Adapted.open(twins.palettized, 'f16', { loras: [loraFile('peft', 0.7)], loraMode: 'merge' });
    await expect(merged).rejects.toMatchObject({ code: 'lora/palettized' });
  },
);

it('refuses scales that are no numbers and names of no LoRA, and changes none then', async () => {
  const model = await Adapted.open(tinySource(), 'f32', { loras: [loraFile('kohya', 1), loraFile('kohya', 2)] });
  expect(model.adapters.loraScales).toEqual({ kohya: 1, 'kohya-2': 2 });
  expect(() => model.adapters.setScales({ kohya: 0, other: 1 })).toThrow(/expected one of kohya, kohya-2, got "other"/);
  expect(() => model.adapters.setScales({ kohya: 0, 'kohya-2': NaN })).toThrow(/finite scale/);
  expect(model.adapters.loraScales).toEqual({ kohya: 1, 'kohya-2': 2 });
});
