import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import { heldOutPrompts, modelUrl, type HeldOutPrompt } from '@pleinair/demo-model';
import { testDevice } from '@pleinair/testing';
import { load } from '../src/painter.js';

/**
 * Paints held-out prompts with the engine at default settings and asks the attribute checker about each picture.
 *
 * @returns The prompts whose pictures lack something that was asked for.
 */
export async function disobeyed(prompts: readonly HeldOutPrompt[]): Promise<string[]> {
  const painter = await load(modelUrl, { device: await testDevice(), memory: 'resident', tune: 'off' });
  const failed: string[] = [];
  for (const [i, { prompt, attributes }] of prompts.entries()) {
    const { images } = await painter.generate({ prompt, seed: 1000 + i });
    const { rgba, width, height } = images[0]!;
    if (!matches(attributes, checkAttributes(rgba, width, height))) failed.push(prompt);
  }
  painter.dispose();
  return failed;
}

export { heldOutPrompts };
