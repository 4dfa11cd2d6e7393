import { expect, it } from 'vitest';
import { Adapted, expectTwins, loraFile } from './adapted-model.js';
import { twinModels } from './palettized-model.js';
import { limits } from './tiny-model.js';

it('gives beside a palettized UNet what merging into its values gives, and refuses LoKr there', async () => {
  const forms = [{ bits: 4 }, { bits: 6, group: 4 }, { bits: 8 }] as const;
  const twins = await twinModels({ unet: forms });
  await expectTwins(twins, ['unet'], limits.f16.part);
  const refused = Adapted.open(twins.palettized, 'f16', { loras: [loraFile('lycoris', 1)] });
  await expect(refused).rejects.toMatchObject({ code: 'lora/not-low-rank' });
});
