import type { Picture } from '@pleinair/diffusion';
import type { PictureOrigin } from './painter.js';
import { version } from './version.js';

/** What a picture was made with: enough to make it again. */
export interface PictureSettings {
  readonly prompt: string;
  readonly negative?: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
  readonly scheduler: string;
  /** Whose random numbers the seed means. */
  readonly rng: 'torch' | 'cuda' | 'numpy';
  readonly width: number;
  readonly height: number;
  readonly model: string;
  /** What the second text encoder was given, where it was another text. */
  readonly prompt2?: string;
  readonly negative2?: string;
  readonly strength?: number;
  readonly clipSkip?: number;
  readonly guidanceRescale?: number;
  readonly refinerStart?: number;
  /** Scales of LoRAs, by name. */
  readonly loras?: Readonly<Record<string, number>>;
  readonly version: string;
}

/** Key of the PNG text chunk that holds {@link PictureSettings} as JSON. */
export const settingsKey = 'pleinair';

/**
 * PNG text chunks for a picture: one JSON object under {@link settingsKey}, and the `parameters` text that other
 * programs for Stable Diffusion read.
 */
export function pictureSettings(origin: PictureOrigin, picture: Picture): Record<string, string> {
  const { prompt, negativePrompt, steps, guidance, scheduler, rng, loras } = origin;
  const { strength, clipSkip, guidanceRescale, refinerStart } = origin;
  const { seed, width, height } = picture;
  // The place a model lies in is nobody else's business: only its name goes into the file.
  const model = origin.model
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1)!;
  const settings: PictureSettings = {
    prompt,
    ...(negativePrompt === undefined ? {} : { negative: negativePrompt }),
    seed,
    steps,
    guidance,
    scheduler,
    rng,
    width,
    height,
    model,
    ...dropAbsent({ prompt2: origin.prompt2, negative2: origin.negativePrompt2 }),
    ...dropAbsent({ strength, clipSkip, guidanceRescale, refinerStart, loras }),
    version,
  };
  const named = Object.entries(loras ?? {})
    .map(([name, scale]) => `Lora ${name}: ${scale}, `)
    .join('');
  const parameters = [
    prompt,
    ...(negativePrompt ? [`Negative prompt: ${negativePrompt}`] : []),
    `Steps: ${steps}, Sampler: ${scheduler}, CFG scale: ${guidance}, Seed: ${seed}, Size: ${width}x${height}, ` +
      `Model: ${model}, ${strength === undefined ? '' : `Denoising strength: ${strength}, `}` +
      `${clipSkip === undefined ? '' : `Clip skip: ${clipSkip + 1}, `}${named}Version: Pleinair ${version}`,
  ].join('\n');
  return { parameters, [settingsKey]: JSON.stringify(settings) };
}

/** Reads the settings out of a PNG's text chunks, or nothing where they are not there or broken. */
export function readPictureSettings(text: Readonly<Record<string, string>>): PictureSettings | undefined {
  try {
    const value: unknown = JSON.parse(text[settingsKey] ?? '');
    return isSettings(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const texts = ['prompt', 'scheduler', 'model'] as const;
const numbers = ['seed', 'steps', 'guidance', 'width', 'height'] as const;

/** Whether all that every picture is made with is there: a file may come from anybody. */
function isSettings(value: unknown): value is PictureSettings {
  if (typeof value !== 'object' || value === null) return false;
  const { negative, strength, ...fields }: Partial<Record<keyof PictureSettings, unknown>> = value;
  return (
    texts.every((key) => typeof fields[key] === 'string') &&
    numbers.every((key) => Number.isFinite(fields[key])) &&
    (negative === undefined || typeof negative === 'string') &&
    (strength === undefined || Number.isFinite(strength))
  );
}

/** An object's properties but for those that are undefined. */
function dropAbsent<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}
