import type { LatentToRgb } from '@pleinair/kernels';
import { ConfigError } from '../json-config.js';

export { sd1LatentToRgb, sdxlLatentToRgb, type LatentToRgb } from '@pleinair/kernels';

/**
 * Reads a model's own map from latents to rough colours: `{"weights": [[4 numbers] for R, G, B], "bias": [R, G, B]}`,
 * colours in −1…1.
 *
 * @param file - What the value was read from, for the error.
 * @returns Nothing where there is no value.
 * @throws ConfigError `config/latent-to-rgb`.
 */
export function readLatentToRgb(value: unknown, file: string): LatentToRgb | undefined {
  if (value === undefined) return undefined;
  const { weights, bias } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (Array.isArray(weights) && weights.length === 3 && weights.every(isFour) && isThree(bias))
    return { weights, bias };
  throw new ConfigError(
    'config/latent-to-rgb',
    `${file}: expected "latent_to_rgb" to be three rows of four "weights" and three numbers "bias", got ` +
      `${JSON.stringify(value).slice(0, 80)}. Correct it, or leave it out.`,
  );
}

function isFour(value: unknown): value is LatentToRgb['weights'][number] {
  return isNumbers(value, 4);
}

function isThree(value: unknown): value is LatentToRgb['bias'] {
  return isNumbers(value, 3);
}

function isNumbers(value: unknown, count: number): boolean {
  return Array.isArray(value) && value.length === count && value.every((item) => Number.isFinite(item));
}
