import { readFileSync } from 'node:fs';
import { modelUrl } from '@pleinair/demo-model';
import { randomArray, testDevice } from '@pleinair/testing';
import { encodeSafetensors, type TensorToWrite } from '@pleinair/weights';
import { expect, it } from 'vitest';
import { load, type LoadOptions } from '../src/index.js';

async function fileOf(name: string, tensors: readonly (readonly [string, readonly number[], number])[]): Promise<File> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const made = tensors.map(([key, shape, seed]): TensorToWrite => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { name: key, dtype: 'F32', shape, data: randomArray(length, seed, 0.5) };
  });
  for await (const piece of encodeSafetensors(made)) pieces.push(piece.slice());
  return new File(pieces, name);
}

const widthOf = (part: string): number =>
  (JSON.parse(readFileSync(new URL(`${part}/config.json`, modelUrl), 'utf8')) as { hidden_size: number }).hidden_size;

const latents = { width: 64, height: 64, steps: 1, seed: 3, output: 'latent' } as const;

async function styleFile(): Promise<File> {
  const first = widthOf('text_encoder');
  const key = 'lora_te1_text_model_encoder_layers_0_self_attn_q_proj';
  return fileOf('my-style.safetensors', [
    [`${key}.lora_down.weight`, [4, first], 1],
    [`${key}.lora_up.weight`, [first, 4], 2],
  ]);
}

it('loads LoRAs and embeddings with a model, sets scales, weighs words, and is as before where none counts', async () => {
  const device = await testDevice();
  const [first, second] = [widthOf('text_encoder'), widthOf('text_encoder_2')];
  const lora = await styleFile();
  const embedding = await fileOf('thing.safetensors', [
    ['clip_l', [2, first], 3],
    ['clip_g', [2, second], 4],
  ]);
  const how: LoadOptions = { device, precision: 'f32', memory: 'resident', tune: 'off' };
  const plain = await load(modelUrl, how);
  const of = async (painter: typeof plain, prompt: string, more: object = {}) => [
    ...(await painter.generate({ ...latents, prompt, ...more })).images[0]!.latents,
  ];
  const moon = await of(plain, 'a moon (full)', { promptSyntax: 'plain' });
  expect(await of(plain, 'a moon \\(full\\)')).toEqual(moon);
  expect(await of(plain, 'a moon (full)')).not.toEqual(moon);

  const adapted = await load(modelUrl, {
    ...how,
    loras: [{ source: lora, scale: 0 }],
    embeddings: { thing: embedding },
  });
  expect(adapted.loraScales).toEqual({ 'my-style': 0 });
  expect(await of(adapted, 'a moon \\(full\\)')).toEqual(moon);
  const said = await of(adapted, 'a moon thing');
  expect(said).not.toEqual(await of(plain, 'a moon thing'));
  await adapted.setLoraScales({ 'my-style': 2 });
  const styled = await adapted.generate({ ...latents, prompt: 'a moon thing' });
  expect([...styled.images[0]!.latents]).not.toEqual(said);
  expect(styled.loras).toEqual({ 'my-style': 2 });
  await expect(adapted.setLoraScales({ other: 1 })).rejects.toMatchObject({ code: 'lora/scale' });
  await adapted.setLoraScales({ 'my-style': 0 });
  expect(await of(adapted, 'a moon thing')).toEqual(said);
  for (const painter of [plain, adapted]) painter.dispose();
  await expect(load(modelUrl, { ...how, loras: [{ source: embedding }] })).rejects.toMatchObject({
    code: 'lora/no-match',
  });
});

it('changes the model alone where a refiner goes on from it, and says so', async () => {
  const how: LoadOptions = { device: await testDevice(), precision: 'f32', tune: 'off' };
  const loras = [{ source: await styleFile(), scale: 2 }];
  const asked = { ...latents, steps: 2, prompt: 'a moon' };
  // The model stands in for its refiner: what either does can then be asked of it alone.
  const both = await load(modelUrl, { ...how, loras, refiner: modelUrl });
  const refined = await both.generate({ ...asked, refinerStart: 0.5 });
  both.dispose();
  const adapted = await load(modelUrl, { ...how, loras, memory: 'low' });
  const begun = await adapted.generate({ ...asked, denoisingEnd: 0.5 });
  adapted.dispose();
  const plain = await load(modelUrl, { ...how, memory: 'low' });
  const rest = await plain.generate({ ...asked, denoisingStart: 0.5, latents: [begun.images[0]!.latents] });
  plain.dispose();
  expect(refined.images[0]!.latents).toEqual(rest.images[0]!.latents);
  expect(refined.notes).toContain('LoRAs change the model, not its refiner, which has other weights.');
  expect(rest.notes).not.toContain('LoRAs change the model, not its refiner, which has other weights.');
});
