import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-picture-'));
  await writeFile(join(folder, 'there.png'), 'no picture');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// No model is opened and no GPU asked for: the name of neither exists.
it.each([
  [['--strength', '0.5'], /expected --image FILE beside --strength/],
  [['--mask', 'THERE'], /expected --image FILE beside --mask/],
  [['--image', 'THERE', '--mask-blur', '3'], /expected --mask FILE beside --mask-blur/],
  [['--image', 'THERE', '--padding-mask-crop', '3'], /expected --mask FILE beside --padding-mask-crop/],
  [['--image', 'THERE', '--paste-back'], /expected --mask FILE beside --paste-back/],
  [['--refiner-start', '0.5'], /expected --refiner PLACE beside --refiner-start/],
  [['--image', 'NOWHERE'], /expected --image to name a PNG that can be read/],
  [['--image', 'THERE', '--strength', '1.2'], /expected a number from 0 to 1, got "1.2"/],
  [['--original-size', '12'], /expected two whole numbers like 1024x768, got "12"/],
  [['--crop-top-left', '1x2'], /expected two whole numbers like 0,64, got "1x2"/],
  [['--clip-skip', '-1'], /expected a whole number of at least 0/],
  [['--memory', 'plenty'], /low, balanced, resident, auto/],
])('generate refuses %j before it does anything', async (flags, message) => {
  const paths = { THERE: join(folder, 'there.png'), NOWHERE: join(folder, 'nowhere.png') };
  const args = flags.map((flag) => paths[flag as keyof typeof paths] ?? flag);
  const { code, err } = await runCli('generate', 'a kite', '--model', join(folder, 'no-model'), ...args);
  expect(err).toMatch(message);
  expect(code).toBe(2);
});
