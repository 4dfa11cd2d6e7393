import { fileURLToPath } from 'node:url';
import { openComponent, type LoraTarget } from '../src/index.js';
import { folderSource } from '../src/node.js';

/** Every tensor of the tiny SDXL that a LoRA may change. */
export async function tinyTargets(): Promise<LoraTarget[]> {
  const source = folderSource(fileURLToPath(new URL('../../testing/goldens/tiny-sdxl', import.meta.url)));
  const parts = await Promise.all(
    ['unet', 'text_encoder', 'text_encoder_2'].map(async (part) => {
      const { entries } = await openComponent(source, part, { prefer: 'full' });
      return [...entries.values()].map(({ name, shape }): LoraTarget => ({ part, tensor: name, shape }));
    }),
  );
  return parts.flat();
}

/** A linear layer of a UNet. */
export function linearTarget(module: string, n: number, k: number): LoraTarget {
  return { part: 'unet', tensor: `${module}.weight`, shape: [n, k] };
}
